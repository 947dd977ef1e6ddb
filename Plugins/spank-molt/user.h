// What is done with the user's rights alone: by a forked child that has become the user, or by a rank before its
// program.
#pragma once
#include "molt.h"

// work.c: records in the folder of the job.
struct molt_end {
    const struct molt_job *job;
    uint32_t rank;
    int word;  // as of wait(2)
    int64_t at;
};
molt_work molt_write_end;
bool molt_make_folders(const char *path, const char *kept);  // the folder and those above it longer than `kept`
void molt_begin_record(struct molt_text *text, const struct molt_job *job);

struct molt_start {
    struct molt_job *job;
    const struct molt_settings *settings;
    uint32_t rank, local;  // in the step, and on this node
    int64_t shm_min, gpus, tells_binding;  // gpus: what the step was given on this node
    char devices[MOLT_OPTION_MAX], visible[MOLT_OPTION_MAX];  // numbers of the step's GPUs; those the rank may use
};
// Adopts the job, then looks whether this node can do the work; 0, or the rank's exit status and in the reply why.
int molt_begin(struct molt_start *start, struct molt_text *reply);

// claim.c: the epoch of this start of the job, in epochs/ of the run.
void molt_claim(struct molt_job *job, uint32_t rank);  // fills in `epoch`, or leaves it empty
bool molt_is_fenced(const struct molt_job *job);       // the same job has started anew since, and claimed the run

// fitness.c: whether this node can do the work; the reply says why not.
bool molt_is_fit(const struct molt_start *start, struct molt_text *reply);
bool molt_has_right_clock(const struct molt_start *start, int64_t now, struct molt_text *reply);

// ask.c: when Slurm will end the job, in seconds since 1970; 0 when it does not say so within a second.
int64_t molt_ask_end(const struct molt_job *job, const char *squeue, const char *configuration);

// watch.c: leaves a process behind that looks after the calling rank. It is nobody's child and holds nothing open.
struct molt_watch {
    const struct molt_job *job;
    uint32_t rank;
    bool fences;
    char progress[MOLT_FILE_MAX];  // the file to which the rank appends; empty: nothing is asked of it
};
void molt_watch(const struct molt_watch *watch);
void molt_write_stop(const struct molt_watch *watch, bool is_fenced);  // work.c: why a rank is ended
