// posix_spawn with the GNU extensions that Swift's Glibc module does not show: session, folder, descriptors.
#pragma once
#include <stdint.h>

// Starts argv[0] with exactly three descriptors, default signals and an empty mask. `folder` may be NULL.
// With `own_session` the child leads a session of its own. Returns 0 and the pid, or an error number.
int32_t molt_spawn(const char *const *argv, const char *const *envp, const char *folder, int32_t input, int32_t output,
                   int32_t error, int32_t own_session, int32_t *pid);
