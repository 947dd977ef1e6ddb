// The differences between Slurm 21.08 and 26.05 that this library meets, in one place.
#pragma once
#include <errno.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

#if SLURM_VERSION_NUMBER < SLURM_VERSION_NUM(21, 8, 0)
#error "Slurm 21.08 or newer is needed"
#endif

// The list of host names became a pointer to an opaque struct.
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 11, 0)
typedef hostlist_t *molt_hostlist;
#else
typedef hostlist_t molt_hostlist;
#endif

// Job numbers moved into the step's id.
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(25, 11, 0)
#define MOLT_JOB_OF(record) ((record)->step_id.job_id)
#else
#define MOLT_JOB_OF(record) ((record)->job_id)
#endif

// Calls about one job take the step's id instead of a number.
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(26, 5, 0)
#define MOLT_JOB_ID(number)                                                                              \
    ((slurm_step_id_t){.job_id = (number), .step_id = NO_VAL, .step_het_comp = NO_VAL})
#else
#define MOLT_JOB_ID(number) (number)
#endif

#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 11, 0)
#define MOLT_GRES_PREFIX "gres/"
#else
#define MOLT_GRES_PREFIX "gres:"
#endif

#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(26, 5, 0)
#define MOLT_FREE_SETTINGS(conf) slurm_free_conf(conf)
#else
#define MOLT_FREE_SETTINGS(conf) slurm_free_ctl_conf(conf)
#endif

// The error of the last call: the function that read it is gone, and it read errno.
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(24, 5, 0)
#define MOLT_LAST_ERROR() errno
#else
#define MOLT_LAST_ERROR() slurm_get_errno()
#endif

// Some calls return the error, some return -1 and set errno.
static inline int32_t molt_code(int rc) {
    if (rc == SLURM_SUCCESS) return 0;
    if (rc != SLURM_ERROR) return rc;
    int code = MOLT_LAST_ERROR();
    return code != 0 ? code : MOLT_SLURM_NO_REPLY;
}

char *molt_copy(const char *text);
// "n[1-3],m7" as "n1,n2,n3,m7".
char *molt_expand(const char *ranges);
