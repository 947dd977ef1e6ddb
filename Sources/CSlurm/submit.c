#include "molt_slurm.h"
#include "versions.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The descriptor's strings are not const, and libslurm does not change them.
static char *lend(const char *text) { return (char *)(uintptr_t)text; }

// `gpu:4,shard:1` with Slurm's prefix before each.
static char *prefixed(const char *gres) {
    if (!gres) return NULL;
    size_t room = strlen(gres) + 1;
    for (const char *c = gres; *c; c++) room += *c == ',' ? strlen(MOLT_GRES_PREFIX) : 0;
    room += strlen(MOLT_GRES_PREFIX);
    char *result = malloc(room), *out = result;
    if (!result) abort();
    out = stpcpy(out, MOLT_GRES_PREFIX);
    for (const char *c = gres; *c; c++) {
        *out++ = *c;
        if (*c == ',') out = stpcpy(out, MOLT_GRES_PREFIX);
    }
    *out = 0;
    return result;
}

static void describe_size(const molt_slurm_request *request, job_desc_msg_t *job) {
    uint32_t tasks = request->nodes * request->tasks_per_node;
    job->min_nodes = job->max_nodes = request->nodes;
    job->num_tasks = tasks;
    job->ntasks_per_node = (uint16_t)request->tasks_per_node;
    job->cpus_per_task = (uint16_t)request->cpus_per_task;
    job->min_cpus = tasks * request->cpus_per_task;
    job->bitflags |= JOB_NTASKS_SET | JOB_CPUS_SET;
    if (request->memory) job->pn_min_memory = request->memory;
    if (request->time_limit == MOLT_SLURM_UNLIMITED) job->time_limit = INFINITE;
    else if (request->time_limit != MOLT_SLURM_UNSET) job->time_limit = request->time_limit;
    if (request->exclusive) job->shared = JOB_SHARED_NONE;
    if (request->contiguous) job->contiguous = 1;
    if (request->switches) job->req_switch = request->switches;
    if (request->scratch) job->pn_min_tmp_disk = request->scratch;
    if (request->reserved_cores) job->core_spec = request->reserved_cores;
    if (request->threads_per_core) job->threads_per_core = request->threads_per_core;
}

static void describe_place(const molt_slurm_request *request, job_desc_msg_t *job) {
    job->partition = lend(request->partition);
    job->account = lend(request->account);
    job->qos = lend(request->qos);
    job->reservation = lend(request->reservation);
    job->features = lend(request->constraint);
    job->exc_nodes = lend(request->excluded_nodes);
    job->req_nodes = lend(request->node_list);
    job->licenses = lend(request->licenses);
    job->dependency = lend(request->dependency);
    job->wckey = lend(request->wckey);
    job->mail_user = lend(request->mail_user);
    if (request->mail_type) job->mail_type = request->mail_type;
    if (request->nice) job->nice = NICE_OFFSET + request->nice;
    if (request->held) {
        job->priority = 0;
        job->alloc_sid = ALLOC_SID_USER_HOLD;
    }
}

// Exported by libslurm without a declaration.
__attribute__((weak)) extern time_t slurm_parse_time(char *text, int past);

// False when the text is no time that Slurm understands.
static int moment(const char *text, time_t *result) {
    if (!text) return 1;
    if (!slurm_parse_time) return 0;
    char *copy = molt_copy(text);
    *result = slurm_parse_time(copy, 0);
    free(copy);
    return *result != 0;
}

int32_t molt_slurm_submit(const molt_slurm_request *request, molt_slurm_reply *reply) {
    job_desc_msg_t job;
    submit_response_msg_t *response = NULL;
    char *no_arguments[] = {lend(request->name)};
    slurm_init_job_desc_msg(&job);
    job.user_id = request->user_id;
    job.group_id = request->group_id;
    job.name = lend(request->name);
    job.comment = lend(request->comment);
    job.script = lend(request->script);
    job.argc = 1;
    job.argv = no_arguments;
    job.work_dir = lend(request->working_directory);
    job.std_out = lend(request->output);
    job.std_in = "/dev/null";
    // A restart must not destroy the log of what went before, and Slurm may restart the job.
    job.open_mode = OPEN_MODE_APPEND;
    job.requeue = 1;
    job.environment = (char **)(uintptr_t)request->environment;
    job.env_size = request->environment_count;
    job.tres_per_node = prefixed(request->gres);
    if (request->warning_signal) {
        job.warn_signal = request->warning_signal;
        job.warn_time = request->warning_seconds;
        job.warn_flags = 0;
    }
    describe_size(request, &job);
    describe_place(request, &job);

    memset(reply, 0, sizeof *reply);
    if (!moment(request->begin, &job.begin_time) || !moment(request->deadline, &job.deadline)) {
        free(job.tres_per_node);
        return ESLURM_INVALID_TIME_VALUE;
    }
    int32_t code = molt_code(slurm_submit_batch_job(&job, &response));
    free(job.tres_per_node);
    if (code == 0 && !response) return MOLT_SLURM_NO_REPLY;
    if (response) {
        reply->job = MOLT_JOB_OF(response);
        reply->warning = (int32_t)response->error_code;
        if (response->job_submit_user_msg)
            snprintf(reply->message, sizeof reply->message, "%s", response->job_submit_user_msg);
        slurm_free_submit_response_response_msg(response);
    }
    return code;
}
