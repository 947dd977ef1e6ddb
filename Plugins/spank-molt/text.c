#include "molt.h"

#include <string.h>

void molt_put(struct molt_text *text, const char *part) {
    size_t length = strlen(part);
    text->is_full = text->is_full || text->length + length >= sizeof text->bytes;
    if (text->is_full) return;
    memcpy(text->bytes + text->length, part, length + 1);
    text->length += length;
}

static void put_digits(struct molt_text *text, uint64_t number, int width) {
    char digits[24], *at = digits + sizeof digits - 1;
    for (*at = 0; number > 0 || width > 0; number /= 10, width--) *--at = (char)('0' + number % 10);
    molt_put(text, at);
}

void molt_put_number(struct molt_text *text, int64_t number) {
    if (number < 0) molt_put(text, "-");
    put_digits(text, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 1);
}

static void put_key(struct molt_text *text, const char *key) {
    molt_put(text, ",\"");
    molt_put(text, key);
    molt_put(text, "\":");
}

void molt_put_field(struct molt_text *text, const char *key, int64_t number) {
    put_key(text, key);
    molt_put_number(text, number);
}

void molt_put_time(struct molt_text *text, const char *key, int64_t microseconds) {
    molt_put_field(text, key, microseconds / 1000000);
    molt_put(text, ".");
    put_digits(text, (uint64_t)(microseconds % 1000000), 6);
}

// What is not printable ASCII becomes a question mark, so that the line is JSON whatever a folder is called.
void molt_put_string(struct molt_text *text, const char *key, const char *value) {
    put_key(text, key);
    molt_put(text, "\"");
    for (; *value != 0; value++) {
        if (*value == '"' || *value == '\\') molt_put(text, "\\");
        molt_put(text, (char[]){*value < 32 || *value == 127 ? '?' : *value, 0});
    }
    molt_put(text, "\"");
}

bool molt_copy(char *target, size_t size, const char *source) {
    size_t length = strnlen(source, size);
    if (length < size) memcpy(target, source, length + 1);
    return length < size;
}

static bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

static bool is_name_letter(char letter, const char *others) {
    return is_digit(letter) || (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
           (letter != 0 && strchr(others, letter) != NULL);
}

bool molt_is_run(const char *value) {
    size_t length = strnlen(value, MOLT_OPTION_MAX + 1);
    if (length == 0 || length > MOLT_OPTION_MAX) return false;
    bool is_path = value[0] == '/', begins = true;
    for (const char *at = value + (is_path ? 1 : 0); *at != 0; at++) {
        if (*at == '/' ? !is_path || begins : !is_name_letter(*at, begins ? "" : "._-+@=")) return false;
        begins = *at == '/';
    }
    return !begins;
}

bool molt_is_path(const char *value) {
    size_t length = strnlen(value, MOLT_PATH_MAX);
    if (length < 2 || length >= MOLT_PATH_MAX || value[0] != '/') return false;
    for (size_t at = 0; at < length; at++) {
        if ((unsigned char)value[at] < 32 || value[at] == 127) return false;
        if (strncmp(value + at, "/..", 3) == 0 && (value[at + 3] == '/' || value[at + 3] == 0)) return false;
    }
    return true;
}

bool molt_number(const char *value, int64_t *number) {
    size_t length = strnlen(value, 19);
    if (length == 0 || length > 18 || strspn(value, "0123456789") != length) return false;
    for (*number = 0; *value != 0; value++) *number = *number * 10 + (*value - '0');
    return true;
}

bool molt_is_key(const char *value) {
    return strspn(value, "0123456789abcdef") == MOLT_KEY_LENGTH && value[MOLT_KEY_LENGTH] == 0;
}

bool molt_seconds(const char *value, int64_t *seconds) {
    char digits[8];
    size_t length = strspn(value, "0123456789");
    if (length == 0 || length >= sizeof digits) return false;
    memcpy(digits, value, length);
    digits[length] = 0;
    if (!molt_number(digits, seconds)) return false;
    const char *unit = value + length;
    if (strcmp(unit, "m") == 0) *seconds *= 60;
    else if (strcmp(unit, "h") == 0) *seconds *= 3600;
    else if (unit[0] != 0 && strcmp(unit, "s") != 0) return false;
    return *seconds >= 1 && *seconds <= 7 * 86400;
}

bool molt_first_host(const char *list, char *host, size_t size) {
    size_t length = 0;
    bool is_inside = false;
    for (; *list != 0 && (is_inside || *list != ','); list++) {
        if (is_inside && (*list == ',' || *list == '-')) list += strcspn(list, "]");
        if (*list == '[' || *list == ']') {
            is_inside = *list == '[';
        } else {
            if (!is_name_letter(*list, "._-") || length + 1 >= size) return false;
            host[length++] = *list;
        }
    }
    host[length] = 0;
    return length > 0 && !is_inside;
}
