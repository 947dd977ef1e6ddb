// Files of Templates/ embedded in the programs.
#pragma once
#include <stddef.h>

typedef struct molt_asset {
    const char *name;
    const unsigned char *bytes;
    size_t size;
} molt_asset;

const molt_asset *molt_assets(size_t *count);
