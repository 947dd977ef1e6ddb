#include "molt_unicode.h"

static const unsigned char tables[] = {
#embed "tables.txt"
};

const unsigned char *molt_unicode_tables(size_t *size) {
    *size = sizeof tables;
    return tables;
}
