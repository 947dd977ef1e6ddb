// What the files of the plugin share: plain C that tests can run without Slurm, but for spank_molt.c and rank.c.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    MOLT_OPTION_MAX = 128,  // bytes of an option's value; longer ones are refused wherever they come from
    MOLT_PATH_MAX = 512,    // bytes of a folder's name from the job's environment
    MOLT_FILE_MAX = 768,    // bytes of a name that we build below such a folder
    MOLT_HOST_MAX = 64,
    MOLT_GROUPS_MAX = 1024,
    MOLT_RECORD_MS = 1000,  // the longest that a record may hold up slurmstepd
    MOLT_KEY_LENGTH = 32,   // hexadecimal digits of an attempt's key
    MOLT_FENCED = 76,       // exit status of a rank whose job has started anew since
    MOLT_UNFIT = 77,        // exit status of a rank that the preflight refuses
};

// text.c: text of fixed size, and checks of what comes from outside; no malloc, no stdio, no locks.
struct molt_text {
    size_t length;
    bool is_full;
    char bytes[1536];
};
void molt_put(struct molt_text *text, const char *part);
void molt_put_number(struct molt_text *text, int64_t number);
void molt_put_field(struct molt_text *text, const char *key, int64_t number);
void molt_put_string(struct molt_text *text, const char *key, const char *value);
void molt_put_time(struct molt_text *text, const char *key, int64_t microseconds);
bool molt_copy(char *target, size_t size, const char *source);
bool molt_is_run(const char *value);   // `support-bot` or `/shared/runs/support-bot`: letters, digits and ._-+@=
bool molt_is_path(const char *value);  // absolute, without control characters or `..`
bool molt_number(const char *value, int64_t *number);             // nothing but at most 18 digits
bool molt_seconds(const char *value, int64_t *seconds);           // 90, 90s, 10m, 2h; at most a week
bool molt_is_key(const char *value);                             // 32 hexadecimal digits
bool molt_first_host(const char *list, char *host, size_t size);  // n[03-7,9]x,m1 -> n03x

// job.c: what is known about the job.
struct molt_settings {  // arguments of the line in plugstack.conf
    char runs[MOLT_OPTION_MAX];     // where the run of --molt=NAME lies; %u is the user's name
    char gpu_dev[MOLT_OPTION_MAX];  // device nodes of GPUs without their number; empty: no check
    char squeue[MOLT_OPTION_MAX];   // asked for the end of a job; empty: nobody is
    int64_t shm_min, oom_score;     // MiB free in /dev/shm; of ranks, 0 leaves it
    int64_t skew_max;               // seconds between the clocks of node and file server; 0: no check
    int64_t fences, tells_binding;  // ranks are watched for a later start of their job; where each may run is told
};
bool molt_setting(struct molt_settings *settings, const char *argument);

enum molt_kind {
    MOLT_STRANGER,  // nothing is done for it
    MOLT_OWN,       // submitted by moltd: molt-job does most things itself
    MOLT_ADOPTED,   // hand-written, marked with --molt
};
struct molt_job {
    enum molt_kind kind;
    uint32_t job, restart, step, nodes;
    bool is_batch, has_records;  // the batch script, not a step of ranks; the ends of its ranks are worth a file
    uid_t uid;
    gid_t gid, groups[MOLT_GROUPS_MAX];
    int group_count;
    int64_t started_at, ends_at;  // microseconds; seconds, 0: unknown
    int64_t hang;  // seconds without progress after which a rank is ended; 0: never
    char run[MOLT_PATH_MAX], folder[MOLT_FILE_MAX], checkpoints[MOLT_FILE_MAX];  // folder: <run>/slurm/<job>.<restart>
    char name[MOLT_OPTION_MAX + 1], epoch[24], host[MOLT_HOST_MAX];  // name: of the run, as given
    char key[MOLT_KEY_LENGTH + 1];  // of Molt's attempt, or from --molt-key; empty: none
};
// Reads a variable of the job; false when it is not set or does not fit.
typedef bool molt_getenv(void *context, const char *name, char *value, size_t size);
// Fills in kind, folders and what else the environment says; ids and times are there already.
void molt_identify(struct molt_job *, const struct molt_settings *, const char *option, molt_getenv *, void *context);
// True for a path below the folder of another run: it was meant for the job from whose shell this one was submitted.
bool molt_is_foreign(const struct molt_job *job, const char *value, molt_getenv *get, void *context);
void molt_progress_path(const struct molt_job *job, uint32_t rank, char *path, size_t size);
int64_t molt_deadline(const struct molt_job *job);  // by which a rank should have saved; 0: unknown
uint32_t molt_port(const struct molt_job *job);     // the same on every node without a word between them
int64_t molt_now(void);

// child.c: work in a process that has become the user, for at most so long.
typedef bool molt_work(const void *argument, struct molt_text *reply);
enum molt_outcome { MOLT_DONE, MOLT_REFUSED, MOLT_LATE, MOLT_FAILED };
enum molt_outcome molt_as_user(
    const struct molt_job *job, int milliseconds, molt_work *work, const void *argument, struct molt_text *reply);
bool molt_wait_for(int pipe, int milliseconds);  // true once something has come or the other end has closed
