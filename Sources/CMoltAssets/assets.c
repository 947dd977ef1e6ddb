#include "molt_assets.h"

const molt_asset *molt_assets(size_t *count) {
    *count = 0;
    return 0;
}
