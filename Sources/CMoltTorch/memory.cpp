// How malloc, from which libtorch takes tensors on CPUs, deals with memory that is given back.
#include "molt_torch.h"

#include <malloc.h>

extern "C" void mt_keep_freed_memory(void) {
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
}
