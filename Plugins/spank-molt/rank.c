// What a rank does before its program, once it has become the user: variables, and a veto by its exit status.
#define _GNU_SOURCE
#include "rank.h"
#include "user.h"

#include <slurm/slurm_version.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void set(spank_t spank, const char *name, const char *value, bool replaces) {
    if (value[0] != 0) spank_setenv(spank, name, value, replaces);
}

static void set_number(spank_t spank, const char *name, int64_t value, bool replaces) {
    struct molt_text text = {0};
    molt_put_number(&text, value);
    set(spank, name, text.bytes, replaces);
}

// The plugin and moltd name files in two folders of the run: this job's, or that of the job from whose shell this one
// was submitted.
static bool is_progress_of_molt(spank_t spank, const struct molt_job *job, const char *value) {
    size_t length = strlen(job->run);
    if (molt_is_foreign(job, value, molt_get, spank)) return true;
    return strncmp(value, job->run, length) == 0 &&
           (strncmp(value + length, "/slurm/", 7) == 0 || strncmp(value + length, "/events/", 8) == 0);
}

static void export(spank_t spank, const struct molt_job *job, uint32_t rank) {
    char value[MOLT_FILE_MAX], host[MOLT_HOST_MAX] = "127.0.0.1", epoch[24];
    // A progress file of the user's own choice stays.
    bool is_ours = !molt_get(spank, "MOLT_PROGRESS_FILE", value, sizeof value) ||
                   is_progress_of_molt(spank, job, value);
    // What is not told anew is of the job from whose shell this one was submitted, or else of this job's script.
    bool is_of_script = !job->is_batch && molt_get(spank, "MOLT_EPOCH", epoch, sizeof epoch) && epoch[0] != 0 &&
                        strcmp(epoch, job->epoch) == 0;
    if (!is_of_script && job->key[0] == 0) spank_unsetenv(spank, "MOLT_KEY");
    if (job->epoch[0] == 0) spank_unsetenv(spank, "MOLT_EPOCH");
    if (job->is_batch && molt_get(spank, "MOLT_RESTART", epoch, sizeof epoch)) spank_unsetenv(spank, "MOLT_DEADLINE");
    bool is_told = is_of_script && molt_get(spank, "MOLT_DEADLINE", epoch, sizeof epoch);
    set(spank, "MOLT_EPOCH", job->epoch, true);
    set(spank, "MOLT_ADOPT", job->name, true);
    set(spank, "MOLT_RUN_DIR", job->run, true);
    set(spank, "MOLT_CHECKPOINT_DIR", job->checkpoints, true);
    set_number(spank, "MOLT_RESTART", job->restart, true);
    if (molt_deadline(job) > 0 && !is_told) set_number(spank, "MOLT_DEADLINE", molt_deadline(job), true);
    molt_progress_path(job, rank, value, sizeof value);
    if (is_ours) set(spank, "MOLT_PROGRESS_FILE", value, true);
    // A batch script may start several steps, each with its own meeting point.
    if (job->is_batch) return;
    if (job->nodes == 1 || (molt_get(spank, "SLURM_STEP_NODELIST", value, sizeof value) &&
                            molt_first_host(value, host, sizeof host))) {
        set(spank, "MASTER_ADDR", host, false);
    }
    set_number(spank, "MASTER_PORT", molt_port(job), false);
}

// Slurm tells jobs their end from 23.02 on. Before, whom the admin named is asked, else the machine's own squeue, if
// nobody but root can have put it there.
static const char *squeue_of(const struct molt_settings *settings) {
#if defined(MOLT_SQUEUE) && SLURM_VERSION_NUMBER < SLURM_VERSION_NUM(23, 2, 0)
    struct stat status;
    bool is_there = settings->squeue[0] == 0 && stat(MOLT_SQUEUE, &status) == 0 && S_ISREG(status.st_mode);
    if (is_there && status.st_uid == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return MOLT_SQUEUE;
#endif
    return settings->squeue;
}

// How Slurm's own commands find it: as slurmd was told, or as the job is.
static void ask_for_end(spank_t spank, struct molt_job *job, const struct molt_settings *settings) {
    char path[MOLT_PATH_MAX] = "";
    const char *configuration = getenv("SLURM_CONF");
    if (configuration == NULL && molt_get(spank, "SLURM_CONF", path, sizeof path)) configuration = path;
    int64_t seconds = molt_ask_end(job, squeue_of(settings), configuration == NULL ? "" : configuration);
    if (seconds > 0) job->ends_at = seconds;
}

// Variables, then the veto.
void molt_start_rank(spank_t spank, struct molt_job *job, const struct molt_settings *settings) {
    struct molt_start start = {.job = job, .settings = settings, .shm_min = settings->shm_min};
    struct molt_text reply = {0};
    char value[MOLT_HOST_MAX];
    spank_get_item(spank, S_TASK_GLOBAL_ID, &start.rank);
    spank_get_item(spank, S_TASK_ID, &start.local);
    if (molt_get(spank, "SLURMD_NODENAME", value, sizeof value)) molt_first_host(value, job->host, sizeof job->host);
    molt_get(spank, job->is_batch ? "SLURM_JOB_GPUS" : "SLURM_STEP_GPUS", start.devices, sizeof start.devices);
    molt_get(spank, "CUDA_VISIBLE_DEVICES", start.visible, sizeof start.visible);
    if (molt_get(spank, "SLURM_GPUS_ON_NODE", value, sizeof value)) molt_number(value, &start.gpus);
    if (molt_get(spank, "MOLT_SHM_MIN", value, sizeof value)) molt_number(value, &start.shm_min);
    start.tells_binding = settings->tells_binding;
    if (molt_get(spank, "MOLT_BINDING", value, sizeof value)) molt_number(value, &start.tells_binding);
    if (job->is_batch && job->kind == MOLT_ADOPTED && squeue_of(settings)[0] != 0) ask_for_end(spank, job, settings);
    // A folder that does not answer holds up the rank as it would hold up its program, and nobody else.
    int refusal = molt_begin(&start, &reply);
    if (refusal != 0) {
        slurm_spank_log("molt: %s %s: %s", job->host,
                        refusal == MOLT_FENCED ? "starts no rank" : "is unfit for this job", reply.bytes);
        _exit(refusal);
    }
    if (job->kind != MOLT_ADOPTED) return;
    export(spank, job, start.rank);
    struct molt_watch watch = {.job = job, .rank = start.rank, .fences = settings->fences && job->epoch[0] != 0};
    if (job->hang > 0) molt_get(spank, "MOLT_PROGRESS_FILE", watch.progress, sizeof watch.progress);
    if (!job->is_batch && (watch.fences || watch.progress[0] != 0)) molt_watch(&watch);
}
