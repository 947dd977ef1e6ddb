// The ABI of libmolt_slurm.so: plain structs and ints, no Slurm type, so that only this library is rebuilt
// after an upgrade of Slurm.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The Slurm release the library was built against, as in SLURM_VERSION_NUMBER.
uint32_t molt_slurm_built_for(void);

#ifdef __cplusplus
}
#endif
