#include "molt_torch.h"

#include <torch/headeronly/version.h>

extern "C" const char *mt_torch_version(void) {
    return TORCH_VERSION;
}
