// The ABI of libmolt_torch.so: a status and out-parameters, every C++ exception caught inside.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The libtorch release the library was built against, such as "2.13.0".
const char *mt_torch_version(void);

#ifdef __cplusplus
}
#endif
