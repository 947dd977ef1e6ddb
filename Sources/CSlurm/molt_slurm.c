#include "molt_slurm.h"

#include <slurm/slurm.h>

uint32_t molt_slurm_built_for(void) {
    return SLURM_VERSION_NUMBER;
}
