// The ABI of libmolt_slurm.so: plain structs and ints, no Slurm type, so that only this library is rebuilt
// after an upgrade of Slurm.
//
// Every call returns 0, or Slurm's (or the system's) error number. Slurm itself mixes conventions; they end here.
// Times are seconds since 1970 by the controller's clock, 0 when there is none. Strings are never NULL on output.
// A call may block for a minute, and libslurm may end the process: only a helper that can be spared calls these.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A number that Slurm does not use: the controller took the request and its answer made no sense.
#define MOLT_SLURM_NO_REPLY 99001
// "No limit", and "not set" for numbers on input.
#define MOLT_SLURM_UNLIMITED UINT32_MAX
#define MOLT_SLURM_UNSET (UINT32_MAX - 1)

// The Slurm release the library was built against, as in SLURM_VERSION_NUMBER.
uint32_t molt_slurm_built_for(void);
// The release of the libslurm that is loaded.
uint32_t molt_slurm_loaded(void);
// No new privileges and no core dumps for this process, which will hold what users submit.
int32_t molt_slurm_confine(void);
// Reads slurm.conf (the file in SLURM_CONF or the default); must come first. Ends the process if there is none.
void molt_slurm_start(void);
const char *molt_slurm_error_text(int32_t code);

typedef struct {
    uint32_t user_id, group_id;
    const char *name, *comment, *script, *working_directory, *output;
    // NULL: not set.
    const char *partition, *account, *qos, *reservation, *constraint, *excluded_nodes, *node_list, *licenses;
    const char *dependency, *wckey, *mail_user, *gres;
    uint16_t mail_type;
    uint32_t nodes, tasks_per_node, cpus_per_task;
    // Minutes.
    uint32_t time_limit;
    // MiB a node; 0: not set.
    uint64_t memory;
    // 0: no warning. Goes to the steps, not to the batch shell.
    uint16_t warning_signal, warning_seconds;
    // 0 is Slurm's default.
    int32_t nice;
    uint8_t exclusive, held, contiguous;
    // 0: not set. Scratch space in MiB a node.
    uint32_t switches, scratch;
    uint16_t reserved_cores, threads_per_core;
    // As sbatch takes them (`now+1hour`, `16:00`); NULL: not set.
    const char *begin, *deadline;
    const char *const *environment;
    uint32_t environment_count;
} molt_slurm_request;

typedef struct {
    uint32_t job;
    // A number other than 0 came with the acceptance: a warning.
    int32_t warning;
    char message[1024];
} molt_slurm_reply;

int32_t molt_slurm_submit(const molt_slurm_request *request, molt_slurm_reply *reply);

typedef struct {
    uint32_t job, user_id, state, reason, restarts, exit_word, priority;
    // The array or the heterogeneous job that it is a part of; 0: none.
    uint32_t group;
    // Minutes.
    uint32_t time_limit;
    int64_t submitted, eligible, started, ends, preempted;
    // `nodes` is expanded: names separated by commas. `output` is only told by molt_slurm_load_one.
    char *name, *comment, *partition, *nodes, *reason_word, *detail, *batch_host, *output;
} molt_slurm_job;

typedef struct {
    uint32_t count;
    int64_t as_of;
    molt_slurm_job *jobs;
} molt_slurm_jobs;

int32_t molt_slurm_load_user(uint32_t user_id, molt_slurm_jobs *table);
// Of all users, as far as the controller shows them.
int32_t molt_slurm_load_all(molt_slurm_jobs *table);
int32_t molt_slurm_load_one(uint32_t job, molt_slurm_jobs *table);
void molt_slurm_free_jobs(molt_slurm_jobs *table);

enum { MOLT_SLURM_WORKERS = 0, MOLT_SLURM_BATCH = 1, MOLT_SLURM_ALL = 2 };
enum { MOLT_SLURM_BEGIN_NOW = 0, MOLT_SLURM_HOLD = 1, MOLT_SLURM_RELEASE = 2 };

int32_t molt_slurm_cancel(uint32_t job);
int32_t molt_slurm_signal(uint32_t job, uint16_t signal, int32_t target);
// Of a job that runs; one that has ended is left alone.
int32_t molt_slurm_requeue(uint32_t job);
int32_t molt_slurm_update(uint32_t job, int32_t change);
// Puts a job that has ended back into the queue.
int32_t molt_slurm_put_back(uint32_t job);
// Sets the comment of a job that has not ended; `excluded` may be empty.
int32_t molt_slurm_adopt(uint32_t job, const char *comment, const char *excluded);
int32_t molt_slurm_ping(void);
// For drills: the limit of a running job, and a node that is declared down or up again (operators only).
int32_t molt_slurm_set_time_limit(uint32_t job, uint32_t minutes);
int32_t molt_slurm_set_node(const char *name, int32_t is_down, const char *reason);

typedef struct {
    char *name, *nodes;
    uint32_t is_default, is_up, takes_jobs, time_limit, default_time, grace, preempt_mode, priority_tier;
} molt_slurm_partition;

typedef struct {
    char *name, *gres;
    uint32_t cpus, state, responds;
    // Somebody took it out of service: drained, failing or down.
    uint32_t is_withdrawn;
    // MiB.
    uint64_t memory;
} molt_slurm_node;

typedef struct {
    // True where jobs of others are hidden from this process's user.
    int32_t hides_jobs;
    char *version, *auth_info, *scheduler_parameters, *requeue_exit, *requeue_exit_hold, *priority_type;
    int64_t booted;
    uint32_t kill_wait, minimum_job_age, message_timeout, job_requeue, preempt_mode, private_data;
    uint32_t weight_age, weight_association, weight_fair_share, weight_size, weight_partition, weight_qos;
    uint32_t partition_count, node_count;
    molt_slurm_partition *partitions;
    molt_slurm_node *nodes;
} molt_slurm_cluster;

int32_t molt_slurm_load_cluster(molt_slurm_cluster *cluster);
void molt_slurm_free_cluster(molt_slurm_cluster *cluster);

// What the priority of a waiting job is made of, weights included.
typedef struct {
    // False where Slurm does not tell, or where the priority was set by hand.
    int32_t is_known;
    double age, association, fair_share, size, partition, qos;
} molt_slurm_factors;

int32_t molt_slurm_load_factors(uint32_t job, molt_slurm_factors *factors);

#ifdef __cplusplus
}
#endif
