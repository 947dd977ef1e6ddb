// libcurl for Swift: its option setter is variadic, which Swift cannot see, so each type gets a wrapper.
#pragma once
#include <curl/curl.h>

static inline CURLcode molt_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode molt_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode molt_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLSHcode molt_curl_share_connections(CURLSH *share) {
    return curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
}

typedef size_t (*molt_curl_write)(char *, size_t, size_t, void *);

static inline CURLcode molt_curl_set_write(CURL *handle, CURLoption option, molt_curl_write function) {
    return curl_easy_setopt(handle, option, function);
}

static inline CURLcode molt_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}
