#include "molt_slurm.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int32_t molt_slurm_confine(void) {
    struct rlimit none = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) return errno;
    return 0;
}
