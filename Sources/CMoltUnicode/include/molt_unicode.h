// What the libraries that Molt's tokenizers must equal take for a letter, a mark, a decomposition.
#pragma once
#include <stddef.h>

/// Scripts/unicode-tables writes it and tells its form; not terminated by a zero.
const unsigned char *molt_unicode_tables(size_t *size);
