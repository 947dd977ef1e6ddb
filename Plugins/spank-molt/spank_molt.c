// The hooks that Slurm calls. Each returns 0 whatever happens inside: a plugin must never drain a node. The one veto
// is the exit status of a rank that has become the user.
#define _GNU_SOURCE
#include "rank.h"
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

SPANK_PLUGIN(molt, 1)

#ifdef MOLT_SPANK_FAULTS
#include "tests/faults.h"
#else
#define HOOK(name)                                                                                       \
    static void work_of_##name(spank_t, int, char **);                                                   \
    int slurm_spank_##name(spank_t spank, int count, char **arguments) {                                 \
        work_of_##name(spank, count, arguments);                                                         \
        return 0;                                                                                        \
    }                                                                                                    \
    static void work_of_##name(spank_t spank __attribute__((unused)), int count __attribute__((unused)), \
                               char **arguments __attribute__((unused)))
#endif

static struct molt_settings settings = {.oom_score = 500};
static struct molt_job job;
static char option[MOLT_OPTION_MAX + 1];
static uint32_t *restart_of_script;  // shared with the process that becomes the script
static bool is_mute;  // a record was not written in time: the next ones are not tried

bool molt_get(void *spank, const char *name, char *value, size_t size) {
    bool is_whole = spank_getenv(spank, name, value, (int)size) == ESPANK_SUCCESS && strnlen(value, size) < size;
    if (!is_whole) value[0] = 0;
    return is_whole;
}

// Options are looked at by sbatch and srun, which refuse a wrong value, and on the nodes, which ignore one: it came
// past sbatch. What is right goes into the job's environment, too, so that its srun steps know it.
static int taken(bool is_right, int is_remote, const char *variable, const char *value, const char *complaint) {
    if (is_right && !is_remote) setenv(variable, value, 1);
    if (!is_right) slurm_error("molt: %s", complaint);
    return is_right || is_remote ? 0 : -1;
}

static int take_option(int value, const char *argument, int is_remote) {
    (void)value;
    bool is_right = argument != NULL && molt_is_run(argument);
    if (is_right) molt_copy(option, sizeof option, argument);
    return taken(is_right, is_remote, "MOLT_ADOPT", argument,
                 "--molt takes the name of a run or the absolute path of its folder: letters, digits and ._-+@=, at "
                 "most 128 bytes");
}

static int take_hang(int value, const char *argument, int is_remote) {
    (void)value;
    int64_t seconds;
    bool is_right = argument != NULL && molt_seconds(argument, &seconds);
    if (is_right) job.hang = seconds;
    return taken(is_right, is_remote, "MOLT_HANG", argument,
                 "--molt-hang takes a duration like 90s, 10m or 2h, at most a week");
}

static int take_key(int value, const char *argument, int is_remote) {
    (void)value;
    bool is_right = argument != NULL && molt_is_key(argument);
    if (is_right) molt_copy(job.key, sizeof job.key, argument);
    return taken(is_right, is_remote, "MOLT_KEY", argument, "--molt-key takes 32 hexadecimal digits, in small letters");
}

static struct spank_option options[] = {
    {"molt", "run", "make this job part of a run of Molt: its name, or the path of its folder", 1, 0, take_option},
    {"molt-hang", "duration", "end a rank of a --molt job that makes no progress for so long", 1, 0, take_hang},
    {"molt-key", "key", "set MOLT_KEY in the job and its records, whatever --export says", 1, 0, take_key},
};

HOOK(init) {
    spank_context_t context = spank_context();
    if (context == S_CTX_LOCAL || context == S_CTX_REMOTE || context == S_CTX_ALLOCATOR) {
        for (size_t index = 0; index < sizeof options / sizeof *options; index++) {
            spank_option_register(spank, &options[index]);
        }
    }
    if (context != S_CTX_REMOTE) return;
    for (int index = 0; index < count; index++) {
        if (!molt_setting(&settings, arguments[index])) slurm_error("molt: plugstack.conf: wrong argument, ignored");
    }
}

// Once per slurmstepd, before its ranks: who is this?
HOOK(user_init) {
    gid_t *groups = NULL;
    if (!spank_remote(spank) || spank_get_item(spank, S_JOB_ID, &job.job) != ESPANK_SUCCESS ||
        spank_get_item(spank, S_JOB_UID, &job.uid) != ESPANK_SUCCESS ||
        spank_get_item(spank, S_JOB_GID, &job.gid) != ESPANK_SUCCESS ||
        spank_get_item(spank, S_JOB_STEPID, &job.step) != ESPANK_SUCCESS) return;
    spank_get_item(spank, S_SLURM_RESTART_COUNT, &job.restart);
    spank_get_item(spank, S_JOB_NNODES, &job.nodes);
    if (spank_get_item(spank, S_JOB_SUPPLEMENTARY_GIDS, &groups, &job.group_count) != ESPANK_SUCCESS) {
        job.group_count = 0;
    }
    if (job.group_count > MOLT_GROUPS_MAX) job.group_count = MOLT_GROUPS_MAX;
    if (job.group_count > 0) memcpy(job.groups, groups, (size_t)job.group_count * sizeof job.groups[0]);
    job.is_batch = job.step == 0xfffffffb;
    job.started_at = molt_now();
    const char *node = getenv("SLURMD_NODENAME");
    if (node == NULL || !molt_first_host(node, job.host, sizeof job.host)) gethostname(job.host, sizeof job.host - 1);
    // Steps of Slurm's own (extern, interactive) have no ranks, and for root nothing is done as root.
    if (job.uid == 0 || (!job.is_batch && job.step >= 0xfffffff0)) return;
    molt_identify(&job, &settings, option, molt_get, spank);
    if (!job.is_batch || job.kind == MOLT_STRANGER) return;
    void *page = mmap(NULL, sizeof *restart_of_script, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    restart_of_script = page == MAP_FAILED ? NULL : page;
}

// Slurm 22.05 tells nobody but the script itself how often its job was restarted, in a variable.
static void learn_restart(spank_t spank) {
    molt_identify(&job, &settings, option, molt_get, spank);
    if (restart_of_script != NULL) *restart_of_script = job.restart;
}

static void use_restart(spank_t spank) {
    if (!job.is_batch || restart_of_script == NULL || *restart_of_script == job.restart) return;
    job.restart = *restart_of_script;
    molt_identify(&job, &settings, option, molt_get, spank);
}

// The last moment as root, on a file of the kernel's: a rank dies of a full memory before the batch script does.
HOOK(task_init_privileged) {
    if (job.kind == MOLT_STRANGER || job.is_batch || settings.oom_score == 0) return;
    struct molt_text score = {0};
    molt_put_number(&score, settings.oom_score);
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file >= 0 && write(file, score.bytes, score.length) < 0) slurm_debug("molt: oom_score_adj: %d", errno);
    if (file >= 0) close(file);
}

// In the rank, which has become the user.
HOOK(task_init) {
    if (job.key[0] != 0) spank_setenv(spank, "MOLT_KEY", job.key, 1);
    if (job.kind == MOLT_STRANGER || geteuid() == 0) return;
    if (job.is_batch) learn_restart(spank);
    if (job.kind != MOLT_STRANGER) molt_start_rank(spank, &job, &settings);
}

// In slurmstepd, as root: a child writes down how the rank, or the script, ended.
HOOK(task_exit) {
    struct molt_end end = {.job = &job, .at = molt_now()};
    struct molt_text reply;
    if (is_mute || job.kind == MOLT_STRANGER || (!job.is_batch && !job.has_records)) return;
    use_restart(spank);
    if (spank_get_item(spank, S_TASK_EXIT_STATUS, &end.word) != ESPANK_SUCCESS ||
        spank_get_item(spank, S_TASK_GLOBAL_ID, &end.rank) != ESPANK_SUCCESS) return;
    // A thousand ranks that are done need no thousand files; moltd's own workers leave one of their own.
    if (end.word == 0 && !job.is_batch && (job.kind == MOLT_OWN || end.rank != 0)) return;
    enum molt_outcome outcome = molt_as_user(&job, MOLT_RECORD_MS, molt_write_end, &end, &reply);
    is_mute = outcome == MOLT_LATE;
    if (outcome != MOLT_DONE) slurm_error("molt: no record of the end of rank %u: %s", end.rank, reply.bytes);
}
