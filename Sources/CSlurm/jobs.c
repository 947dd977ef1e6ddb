#include "molt_slurm.h"
#include "versions.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Exported by libslurm without a declaration, renamed in 23.02: used where it is there.
__attribute__((weak)) extern char *slurm_job_reason_string(uint32_t reason);
__attribute__((weak)) extern const char *slurm_job_state_reason_string(uint32_t reason);

static char *reason_word(uint32_t reason) {
    if (slurm_job_state_reason_string) return molt_copy(slurm_job_state_reason_string(reason));
    if (slurm_job_reason_string) return molt_copy(slurm_job_reason_string(reason));
    char text[32];
    snprintf(text, sizeof text, "Reason%u", reason);
    return molt_copy(text);
}

// Slurm writes "none" as 0, as its two numbers for "not set" and "no end", and from 64 bits as negative ones.
static int64_t moment(time_t when) {
    return when <= 0 || when == (time_t)NO_VAL || when == (time_t)INFINITE ? 0 : (int64_t)when;
}

static void copy_job(slurm_job_info_t *from, molt_slurm_job *to, bool is_alone) {
    to->job = MOLT_JOB_OF(from);
    to->user_id = from->user_id;
    to->state = from->job_state;
    to->reason = from->state_reason;
    to->restarts = from->restart_cnt;
    to->exit_word = from->exit_code == NO_VAL ? 0 : from->exit_code;
    to->priority = from->priority;
    to->group = from->array_job_id ? from->array_job_id : from->het_job_id;
    to->time_limit = from->time_limit;
    if (from->time_limit == INFINITE || from->time_limit == NO_VAL) to->time_limit = MOLT_SLURM_UNLIMITED;
    to->submitted = moment(from->submit_time);
    to->eligible = moment(from->eligible_time);
    to->started = moment(from->start_time);
    to->ends = moment(from->end_time);
    to->preempted = moment(from->preempt_time);
    to->name = molt_copy(from->name);
    to->comment = molt_copy(from->comment);
    to->partition = molt_copy(from->partition);
    to->nodes = molt_expand(from->nodes);
    to->reason_word = reason_word(from->state_reason);
    to->detail = molt_copy(from->state_desc);
    to->batch_host = molt_copy(from->batch_host);
    char output[4096] = "";
    if (is_alone && from->batch_flag) slurm_get_job_stdout(output, sizeof output, from);
    to->output = molt_copy(output);
}

static int32_t take(int32_t code, job_info_msg_t *answer, molt_slurm_jobs *table, bool is_alone) {
    memset(table, 0, sizeof *table);
    if (code != 0) return code;
    if (!answer) return MOLT_SLURM_NO_REPLY;
    table->as_of = answer->last_update;
    table->count = answer->record_count;
    table->jobs = calloc(answer->record_count + 1, sizeof *table->jobs);
    if (!table->jobs) abort();
    for (uint32_t i = 0; i < answer->record_count; i++) copy_job(&answer->job_array[i], &table->jobs[i], is_alone);
    slurm_free_job_info_msg(answer);
    return 0;
}

// Without SHOW_LOCAL libslurm asks for the federation first: a second call each time, and twice the wait when the
// controller is down.
enum { SHOWN = SHOW_ALL | SHOW_LOCAL };

int32_t molt_slurm_load_user(uint32_t user_id, molt_slurm_jobs *table) {
    job_info_msg_t *answer = NULL;
    int32_t code = molt_code(slurm_load_job_user(&answer, user_id, SHOWN));
    return take(code, answer, table, false);
}

int32_t molt_slurm_load_all(molt_slurm_jobs *table) {
    job_info_msg_t *answer = NULL;
    int32_t code = molt_code(slurm_load_jobs(0, &answer, SHOWN));
    return take(code, answer, table, false);
}

int32_t molt_slurm_load_one(uint32_t job, molt_slurm_jobs *table) {
    job_info_msg_t *answer = NULL;
    int32_t code = molt_code(slurm_load_job(&answer, MOLT_JOB_ID(job), SHOWN));
    return take(code, answer, table, true);
}

void molt_slurm_free_jobs(molt_slurm_jobs *table) {
    for (uint32_t i = 0; i < table->count; i++) {
        molt_slurm_job *job = &table->jobs[i];
        free(job->name);
        free(job->comment);
        free(job->partition);
        free(job->nodes);
        free(job->reason_word);
        free(job->detail);
        free(job->batch_host);
        free(job->output);
    }
    free(table->jobs);
    memset(table, 0, sizeof *table);
}
