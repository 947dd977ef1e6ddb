#include "molt_slurm.h"
#include "versions.h"

#include <string.h>

#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 11, 0)
typedef list_t *molt_list;
typedef list_itr_t *molt_list_iterator;
#else
typedef List molt_list;
typedef ListIterator molt_list_iterator;
#endif

// Here the job's number became a part of the step's later than elsewhere.
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(26, 5, 0)
#define MOLT_FACTORS_JOB(record) ((record)->step_id.job_id)
#else
#define MOLT_FACTORS_JOB(record) ((record)->job_id)
#endif

// Takes over what one record says; false when it is of another job or was set by hand.
static int take(const priority_factors_object_t *record, uint32_t job, molt_slurm_factors *to) {
    if (MOLT_FACTORS_JOB(record) != job || record->direct_prio != 0) return 0;
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 11, 0)
    const priority_factors_t *from = record->prio_factors;
    if (!from) return 0;
#else
    const priority_factors_object_t *from = record;
#endif
    to->age = from->priority_age;
    to->association = from->priority_assoc;
    to->fair_share = from->priority_fs;
    to->size = from->priority_js;
    to->partition = from->priority_part;
    to->qos = from->priority_qos;
    to->is_known = 1;
    return 1;
}

int32_t molt_slurm_load_factors(uint32_t job, molt_slurm_factors *factors) {
    memset(factors, 0, sizeof *factors);
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 2, 0) && SLURM_VERSION_NUMBER < SLURM_VERSION_NUM(23, 11, 0)
    // The call changed between these, and no headers could be had to say where.
    return 0;
#else
    priority_factors_response_msg_t *answer = NULL;
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 11, 0)
    int32_t code = molt_code(slurm_load_job_prio(&answer, SHOW_LOCAL));
#else
    List jobs = slurm_list_create(NULL);
    slurm_list_append(jobs, &job);
    int32_t code = molt_code(slurm_load_job_prio(&answer, jobs, NULL, NULL, SHOW_LOCAL));
    slurm_list_destroy(jobs);
#endif
    if (code != 0) return code;
    if (!answer) return 0;
    molt_list list = answer->priority_factors_list;
    if (list) {
        molt_list_iterator iterator = slurm_list_iterator_create(list);
        priority_factors_object_t *record;
        while ((record = slurm_list_next(iterator)))
            if (take(record, job, factors)) break;
        slurm_list_iterator_destroy(iterator);
    }
    slurm_free_priority_factors_response_msg(answer);
    return 0;
#endif
}
