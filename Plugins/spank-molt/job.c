#include "molt.h"

#include <string.h>
#include <time.h>

int64_t molt_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

bool molt_setting(struct molt_settings *settings, const char *argument) {
    const struct {
        const char *name;
        char *path;
        int64_t *number, most;
    } known[] = {
        {"runs=", settings->runs, NULL, 0},
        {"gpu_dev=", settings->gpu_dev, NULL, 0},
        {"squeue=", settings->squeue, NULL, 0},
        {"shm_min=", NULL, &settings->shm_min, INT64_MAX},
        {"oom_score=", NULL, &settings->oom_score, 1000},
        {"skew_max=", NULL, &settings->skew_max, 86400},
        {"fence=", NULL, &settings->fences, 1},
        {"binding=", NULL, &settings->tells_binding, 1},
    };
    const char *value = strchr(argument, '=');
    int64_t number;
    if (value == NULL || strlen(++value) >= MOLT_OPTION_MAX) return false;
    for (size_t at = 0; at < sizeof known / sizeof *known; at++) {
        size_t length = strlen(known[at].name);
        if (strncmp(argument, known[at].name, length) != 0) continue;
        if (known[at].path != NULL) return molt_is_path(value) && molt_copy(known[at].path, MOLT_OPTION_MAX, value);
        if (!molt_number(value, &number) || number > known[at].most) return false;
        *known[at].number = number;
        return true;
    }
    return false;
}

// Where --molt=NAME points to: the variable MOLT_RUNS, plugstack.conf, or Molt's own folder in the user's home.
static bool run_of_name(
    struct molt_job *job, const struct molt_settings *settings, molt_getenv *get, void *context) {
    struct molt_text path = {0};
    char value[MOLT_PATH_MAX];
    if (get(context, "MOLT_RUNS", value, sizeof value) && molt_is_path(value)) {
        molt_put(&path, value);
    } else if (settings->runs[0] != 0) {
        for (const char *at = settings->runs; *at != 0; at++) {
            bool is_user = at[0] == '%' && at[1] == 'u';
            if (is_user && !get(context, "USER", value, sizeof value)) return false;
            if (is_user && (!molt_is_run(value) || value[0] == '/')) return false;
            molt_put(&path, is_user ? value : (char[]){*at, 0});
            at += is_user ? 1 : 0;
        }
    } else {
        if (!get(context, "HOME", value, sizeof value) || !molt_is_path(value)) return false;
        molt_put(&path, value);
        molt_put(&path, "/.molt/runs");
    }
    molt_put(&path, "/");
    molt_put(&path, job->name);
    return !path.is_full && molt_copy(job->run, sizeof job->run, path.bytes);
}

static bool is_own(struct molt_job *job, molt_getenv *get, void *context) {
    char key[MOLT_KEY_LENGTH + 8];
    bool is_known = job->key[0] != 0;
    if (!is_known && get(context, "MOLT_KEY", key, sizeof key) && molt_is_key(key)) {
        is_known = molt_copy(job->key, sizeof job->key, key);
    }
    return is_known && get(context, "MOLT_RUN_DIR", job->run, sizeof job->run) && molt_is_path(job->run);
}

static bool is_adopted(
    struct molt_job *job, const struct molt_settings *settings, const char *option, molt_getenv *get, void *context) {
    bool is_given = option[0] != 0 ? molt_copy(job->name, sizeof job->name, option)
                                   : get(context, "MOLT_ADOPT", job->name, sizeof job->name);
    if (!is_given || !molt_is_run(job->name)) return false;
    return job->name[0] == '/' ? molt_copy(job->run, sizeof job->run, job->name)
                               : run_of_name(job, settings, get, context);
}

static void join(char *path, size_t size, const char *folder, const char *name) {
    struct molt_text text = {0};
    molt_put(&text, folder);
    molt_put(&text, name);
    if (text.is_full || !molt_copy(path, size, text.bytes)) path[0] = 0;
}

bool molt_is_foreign(const struct molt_job *job, const char *value, molt_getenv *get, void *context) {
    char run[MOLT_PATH_MAX];
    size_t length;
    if (!get(context, "MOLT_RUN_DIR", run, sizeof run) || strcmp(run, job->run) == 0) return false;
    length = strlen(run);
    return length > 0 && strncmp(value, run, length) == 0 && (value[length] == '/' || value[length] == 0);
}

void molt_identify(
    struct molt_job *job, const struct molt_settings *settings, const char *option, molt_getenv *get, void *context) {
    char value[MOLT_PATH_MAX];
    int64_t number;
    // What somebody asked for counts more than what moltd has put into an environment that others inherited.
    job->kind = MOLT_STRANGER;
    if (is_adopted(job, settings, option, get, context)) job->kind = MOLT_ADOPTED;
    else if (is_own(job, get, context)) job->kind = MOLT_OWN;
    if (job->kind == MOLT_STRANGER) return;

    // Only the batch script's slurmstepd is told by Slurm itself; the script's steps inherit its environment.
    if (job->restart == 0 && get(context, "SLURM_RESTART_COUNT", value, sizeof value) && molt_number(value, &number)) {
        job->restart = (uint32_t)number;
    }
    struct molt_text name = {0};
    molt_put(&name, "/slurm/");
    molt_put_number(&name, job->job);
    molt_put(&name, ".");
    molt_put_number(&name, job->restart);
    join(job->folder, sizeof job->folder, job->run, name.bytes);
    bool has_own = get(context, "MOLT_CHECKPOINT_DIR", value, sizeof value) && molt_is_path(value) &&
                   !molt_is_foreign(job, value, get, context);
    join(job->checkpoints, sizeof job->checkpoints, has_own ? value : job->run, has_own ? "" : "/checkpoints");
    bool has_epoch = get(context, "MOLT_EPOCH", job->epoch, sizeof job->epoch) && molt_number(job->epoch, &number);
    if (!has_epoch) job->epoch[0] = 0;
    if (get(context, "SLURM_JOB_END_TIME", value, sizeof value) && molt_number(value, &number)) job->ends_at = number;
    // To Slurm a batch script is a step of one node.
    if (job->is_batch && get(context, "SLURM_JOB_NUM_NODES", value, sizeof value) && molt_number(value, &number)) {
        job->nodes = (uint32_t)number;
    }
    // Whoever types it for one step means that step.
    bool has_hang = job->hang == 0 && job->kind == MOLT_ADOPTED && get(context, "MOLT_HANG", value, sizeof value);
    if (has_hang && !molt_seconds(value, &job->hang)) job->hang = 0;
    // Of moltd's own jobs the workers' step knows the epoch; ranks of the preflight have nothing to tell.
    job->has_records = !job->is_batch && (job->kind == MOLT_ADOPTED || has_epoch);
}

void molt_progress_path(const struct molt_job *job, uint32_t rank, char *path, size_t size) {
    struct molt_text name = {0};
    molt_put(&name, job->kind == MOLT_OWN ? "/events/" : "/progress-");
    if (job->kind == MOLT_OWN) molt_put(&name, job->epoch);
    else if (job->is_batch) molt_put(&name, "batch");
    else molt_put_number(&name, job->step);
    molt_put(&name, "-");
    molt_put_number(&name, rank);
    molt_put(&name, ".jsonl");
    join(path, size, job->kind == MOLT_OWN ? job->run : job->folder, name.bytes);
}

int64_t molt_deadline(const struct molt_job *job) {
    // A minute to save in, less where the whole time is short.
    int64_t margin = (job->ends_at - job->started_at / 1000000) / 10;
    return job->ends_at == 0 ? 0 : job->ends_at - (margin > 60 ? 60 : margin < 1 ? 1 : margin);
}

uint32_t molt_port(const struct molt_job *job) {
    // Below the ports that kernels hand out by themselves.
    return 20000 + (job->job * 61 + job->step * 7 + job->restart) % 12000;
}
