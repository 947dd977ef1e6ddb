// OpenSSL's SHA-256 for Swift. These functions cannot fail and the state is a plain value; the newer interface reads
// its configuration first, and a node with a broken one could then check no file.
#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
