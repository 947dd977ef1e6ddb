// The hooks that Slurm calls. Each returns 0 whatever happens inside: a plugin must never drain a node. The one veto
// is the exit status of a rank that has become the user.
#define _GNU_SOURCE
#include "molt.h"

#include <errno.h>
#include <fcntl.h>
#include <slurm/spank.h>
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

static bool get(void *spank, const char *name, char *value, size_t size) {
    bool is_whole = spank_getenv(spank, name, value, (int)size) == ESPANK_SUCCESS && strnlen(value, size) < size;
    if (!is_whole) value[0] = 0;
    return is_whole;
}

static void set(spank_t spank, const char *name, const char *value, bool replaces) {
    if (value[0] != 0) spank_setenv(spank, name, value, replaces);
}

static void set_number(spank_t spank, const char *name, int64_t value, bool replaces) {
    struct molt_text text = {0};
    molt_put_number(&text, value);
    set(spank, name, text.bytes, replaces);
}

// Called by sbatch and srun, which refuse a wrong value, and on the nodes, which ignore one: it came past sbatch.
static int take_option(int value, const char *argument, int is_remote) {
    (void)value;
    if (argument != NULL && molt_is_run(argument)) {
        molt_copy(option, sizeof option, argument);
        // From sbatch into the job's environment, so that its srun steps are known, too.
        if (!is_remote) setenv("MOLT_ADOPT", option, 1);
        return 0;
    }
    slurm_error("molt: --molt takes the name of a run or the absolute path of its folder: letters, digits and ._-+@=, "
                "at most %d bytes", MOLT_OPTION_MAX);
    return is_remote ? 0 : -1;
}

// The same for --molt-hang.
static int take_hang(int value, const char *argument, int is_remote) {
    (void)value;
    int64_t seconds;
    if (argument != NULL && molt_seconds(argument, &seconds)) {
        job.hang = seconds;
        if (!is_remote) setenv("MOLT_HANG", argument, 1);
        return 0;
    }
    slurm_error("molt: --molt-hang takes a duration like 90s, 10m or 2h, at most a week");
    return is_remote ? 0 : -1;
}

static struct spank_option hang_option = {
    "molt-hang", "duration", "end a rank of a --molt job that makes no progress for so long", 1, 0, take_hang};

static struct spank_option molt_option = {
    "molt", "run", "make this job part of a run of Molt: its name, or the path of its folder", 1, 0, take_option};

HOOK(init) {
    spank_context_t context = spank_context();
    if (context == S_CTX_LOCAL || context == S_CTX_REMOTE || context == S_CTX_ALLOCATOR) {
        spank_option_register(spank, &molt_option);
        spank_option_register(spank, &hang_option);
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
    molt_identify(&job, &settings, option, get, spank);
    if (!job.is_batch || job.kind == MOLT_STRANGER) return;
    void *page = mmap(NULL, sizeof *restart_of_script, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    restart_of_script = page == MAP_FAILED ? NULL : page;
}

// Slurm 22.05 tells nobody but the script itself how often its job was restarted, in a variable.
static void learn_restart(spank_t spank) {
    molt_identify(&job, &settings, option, get, spank);
    if (restart_of_script != NULL) *restart_of_script = job.restart;
}

static void use_restart(spank_t spank) {
    if (!job.is_batch || restart_of_script == NULL || *restart_of_script == job.restart) return;
    job.restart = *restart_of_script;
    molt_identify(&job, &settings, option, get, spank);
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

// The plugin and moltd name files in two folders of the run: this job's, or that of the job from whose shell this one
// was submitted.
static bool is_progress_of_molt(spank_t spank, const char *value) {
    size_t length = strlen(job.run);
    if (molt_is_foreign(&job, value, get, spank)) return true;
    return strncmp(value, job.run, length) == 0 &&
           (strncmp(value + length, "/slurm/", 7) == 0 || strncmp(value + length, "/events/", 8) == 0);
}

static void export(spank_t spank, uint32_t rank) {
    char value[MOLT_FILE_MAX], host[MOLT_HOST_MAX] = "127.0.0.1";
    // A progress file of the user's own choice stays.
    bool is_ours = !get(spank, "MOLT_PROGRESS_FILE", value, sizeof value) || is_progress_of_molt(spank, value);
    // Of the job from whose shell this one was submitted.
    spank_unsetenv(spank, "MOLT_KEY");
    spank_unsetenv(spank, "MOLT_EPOCH");
    set(spank, "MOLT_ADOPT", job.name, true);
    set(spank, "MOLT_RUN_DIR", job.run, true);
    set(spank, "MOLT_CHECKPOINT_DIR", job.checkpoints, true);
    set_number(spank, "MOLT_RESTART", job.restart, true);
    if (molt_deadline(&job) > 0) set_number(spank, "MOLT_DEADLINE", molt_deadline(&job), true);
    molt_progress_path(&job, rank, value, sizeof value);
    if (is_ours) set(spank, "MOLT_PROGRESS_FILE", value, true);
    // A batch script may start several steps, each with its own meeting point.
    if (job.is_batch) return;
    if (job.nodes == 1 || (get(spank, "SLURM_STEP_NODELIST", value, sizeof value) &&
                           molt_first_host(value, host, sizeof host))) {
        set(spank, "MASTER_ADDR", host, false);
    }
    set_number(spank, "MASTER_PORT", molt_port(&job), false);
}

// In the rank, which has become the user: variables, then the veto.
HOOK(task_init) {
    if (job.kind == MOLT_STRANGER) return;
    if (job.is_batch) learn_restart(spank);
    struct molt_start start = {.job = &job, .gpu_dev = settings.gpu_dev, .shm_min = settings.shm_min};
    struct molt_text reply = {0};
    char value[MOLT_HOST_MAX];
    spank_get_item(spank, S_TASK_GLOBAL_ID, &start.rank);
    if (get(spank, "SLURMD_NODENAME", value, sizeof value)) molt_first_host(value, job.host, sizeof job.host);
    get(spank, job.is_batch ? "SLURM_JOB_GPUS" : "SLURM_STEP_GPUS", start.devices, sizeof start.devices);
    if (get(spank, "MOLT_SHM_MIN", value, sizeof value)) molt_number(value, &start.shm_min);
    // A folder that does not answer holds up the rank as it would hold up its program, and nobody else.
    if (geteuid() != 0 && !molt_begin(&start, &reply)) {
        slurm_spank_log("molt: %s is unfit for this job: %s", job.host, reply.bytes);
        _exit(MOLT_UNFIT);
    }
    if (job.kind != MOLT_ADOPTED) return;
    export(spank, start.rank);
    struct molt_hang hang = {.job = &job, .rank = start.rank};
    bool is_watched = geteuid() != 0 && !job.is_batch && job.hang > 0;
    if (is_watched && get(spank, "MOLT_PROGRESS_FILE", hang.progress, sizeof hang.progress)) molt_watch(&hang);
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
