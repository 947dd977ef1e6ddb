#include "molt_slurm.h"
#include "versions.h"

#include <signal.h>

int32_t molt_slurm_cancel(uint32_t job) { return molt_code(slurm_kill_job(MOLT_JOB_ID(job), SIGKILL, 0)); }

int32_t molt_slurm_signal(uint32_t job, uint16_t signal, int32_t target) {
    uint16_t flags = target == MOLT_SLURM_BATCH ? KILL_JOB_BATCH
                     : target == MOLT_SLURM_ALL ? KILL_FULL_JOB
                                                : KILL_STEPS_ONLY;
    return molt_code(slurm_kill_job(MOLT_JOB_ID(job), signal, flags));
}

int32_t molt_slurm_requeue(uint32_t job) {
    // Without JOB_RUNNING a cancelled job that is still in memory would rise again.
    return molt_code(slurm_requeue(MOLT_JOB_ID(job), JOB_RUNNING));
}

int32_t molt_slurm_update(uint32_t job, int32_t change) {
    job_desc_msg_t update;
    slurm_init_job_desc_msg(&update);
    MOLT_JOB_OF(&update) = job;
    switch (change) {
    // The controller raises a moment that is past to its own now; our clock may be ahead of it.
    case MOLT_SLURM_BEGIN_NOW: update.begin_time = 1; break;
    case MOLT_SLURM_HOLD:
        update.priority = 0;
        update.alloc_sid = ALLOC_SID_USER_HOLD;
        break;
    case MOLT_SLURM_RELEASE:
        update.priority = INFINITE;
        update.alloc_sid = 0;
        break;
    default: return MOLT_SLURM_NO_REPLY;
    }
    return molt_code(slurm_update_job(&update));
}

int32_t molt_slurm_put_back(uint32_t job) { return molt_code(slurm_requeue(MOLT_JOB_ID(job), 0)); }

int32_t molt_slurm_adopt(uint32_t job, const char *comment, const char *excluded) {
    job_desc_msg_t update;
    slurm_init_job_desc_msg(&update);
    MOLT_JOB_OF(&update) = job;
    // The message only reads it.
    update.comment = (char *)(uintptr_t)comment;
    if (excluded[0] != 0) update.exc_nodes = (char *)(uintptr_t)excluded;
    return molt_code(slurm_update_job(&update));
}

int32_t molt_slurm_ping(void) {
    int32_t code = molt_code(slurm_ping(0));
    return code == 0 || slurm_ping(1) == SLURM_SUCCESS ? 0 : code;
}

int32_t molt_slurm_set_time_limit(uint32_t job, uint32_t minutes) {
    job_desc_msg_t update;
    slurm_init_job_desc_msg(&update);
    MOLT_JOB_OF(&update) = job;
    update.time_limit = minutes;
    return molt_code(slurm_update_job(&update));
}

int32_t molt_slurm_set_node(const char *name, int32_t is_down, const char *reason) {
    update_node_msg_t update;
    slurm_init_update_node_msg(&update);
    update.node_names = (char *)(uintptr_t)name;
    update.node_state = is_down ? NODE_STATE_DOWN : NODE_RESUME;
    // Whose reason it is the controller knows from the credential.
    if (is_down) update.reason = (char *)(uintptr_t)reason;
    return molt_code(slurm_update_node(&update));
}
