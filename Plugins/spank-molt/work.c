#define _GNU_SOURCE
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool molt_make_folders(const char *path, const char *kept) {
    struct molt_text part = {0};
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return true;
    for (size_t at = 0; path[at] != 0; at++) {
        if (path[at] == '/' && at > strlen(kept)) mkdir(part.bytes, 0700);
        molt_put(&part, (char[]){path[at], 0});
    }
    return mkdir(part.bytes, 0700) == 0 || errno == EEXIST;
}

void molt_begin_record(struct molt_text *text, const struct molt_job *job) {
    molt_put(text, "{\"version\":1");
    molt_put_field(text, "job", job->job);
    molt_put_field(text, "incarnation", job->restart);
    molt_put_string(text, "host", job->host);
    molt_put_time(text, "startedAt", job->started_at);
    if (job->key[0] != 0) molt_put_string(text, "key", job->key);
}

// Under another name first: who reads the file sees all of it or nothing.
static bool write_record(const struct molt_job *job, const char *name, struct molt_text *text) {
    struct molt_text path = {0}, draft = {0};
    molt_put(text, "}\n");
    molt_put(&path, job->folder);
    molt_put(&path, name);
    molt_put(&draft, path.bytes);
    molt_put(&draft, ".new");
    if (text->is_full || draft.is_full) return false;
    int file = open(draft.bytes, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return false;
    bool is_whole = write(file, text->bytes, text->length) == (ssize_t)text->length;
    if (close(file) == 0 && is_whole && rename(draft.bytes, path.bytes) == 0) return true;
    unlink(draft.bytes);
    return false;
}

static void put_rank(struct molt_text *name, const char *kind, const struct molt_job *job, uint32_t rank) {
    molt_put(name, kind);
    molt_put_number(name, job->step);
    molt_put(name, ".rank-");
    molt_put_number(name, rank);
    molt_put(name, ".json");
}

bool molt_write_end(const void *argument, struct molt_text *reply) {
    const struct molt_end *end = argument;
    const struct molt_job *job = end->job;
    struct molt_text text = {0}, name = {0};
    char progress[MOLT_FILE_MAX];
    struct stat info;
    bool is_killed = WIFSIGNALED(end->word);
    molt_begin_record(&text, job);
    molt_put_field(&text, is_killed ? "signal" : "status", is_killed ? WTERMSIG(end->word) : WEXITSTATUS(end->word));
    molt_put_time(&text, "endedAt", end->at);
    if (job->is_batch) {
        molt_put(&name, "/end.json");
    } else {
        molt_put_field(&text, "step", job->step);
        molt_put_field(&text, "rank", end->rank);
        molt_progress_path(job, end->rank, progress, sizeof progress);
        if (stat(progress, &info) == 0) molt_put_time(&text, "progressAt", (int64_t)info.st_mtim.tv_sec * 1000000);
        put_rank(&name, "/step-", job, end->rank);
    }
    // A run folder that somebody has removed is not made again.
    if (molt_make_folders(job->folder, job->run) && write_record(job, name.bytes, &text)) return true;
    molt_put(reply, "error ");
    molt_put_number(reply, errno);
    return false;
}

void molt_write_stop(const struct molt_watch *watch, bool is_fenced) {
    const struct molt_job *job = watch->job;
    struct molt_text text = {0}, name = {0}, problem = {0};
    molt_begin_record(&text, job);
    molt_put_field(&text, "step", job->step);
    molt_put_field(&text, "rank", watch->rank);
    molt_put_time(&text, "endedAt", molt_now());
    molt_put(&problem, is_fenced ? "this job has started anew since" : "no progress for ");
    if (!is_fenced) molt_put_number(&problem, job->hang), molt_put(&problem, " s");
    molt_put_string(&text, "problem", problem.bytes);
    put_rank(&name, is_fenced ? "/fenced-" : "/hang-", job, watch->rank);
    if (molt_make_folders(job->folder, job->run)) write_record(job, name.bytes, &text);
}

// What moltd looks for: <runs>/*/slurm/*/adopted.json says that a job of the user's own making belongs to a run.
static void adopt(struct molt_job *job, uint32_t rank) {
    struct molt_text path = {0}, text = {0};
    int64_t epoch;
    molt_put(&path, job->folder);
    molt_put(&path, "/adopted.json");
    if (!molt_make_folders(job->folder, "") || !molt_make_folders(job->checkpoints, "")) return;
    molt_claim(job, rank);
    if (rank != 0 || access(path.bytes, F_OK) == 0) return;
    molt_begin_record(&text, job);
    molt_put_field(&text, "nodes", job->nodes);
    if (job->ends_at > 0) molt_put_field(&text, "endsAt", job->ends_at);
    if (molt_number(job->epoch, &epoch)) molt_put_field(&text, "epoch", epoch);
    molt_put(&text, job->is_batch ? ",\"batch\":true" : ",\"batch\":false");
    write_record(job, "/adopted.json", &text);
}

// What follows `label` in its line of /proc/self/status.
static void put_status(struct molt_text *text, const char *key, const char *status, const char *label) {
    char value[MOLT_OPTION_MAX] = "";
    const char *at = strstr(status, label);
    if (at == NULL) return;
    at += strlen(label);
    at += strspn(at, "\t ");
    size_t length = strcspn(at, "\n");
    if (length >= sizeof value) return;
    memcpy(value, at, length);
    molt_put_string(text, key, value);
}

// Where the rank may run: one line for each rank of a step in one file for each node.
static void tell_binding(const struct molt_start *start) {
    const struct molt_job *job = start->job;
    struct molt_text text = {0}, path = {0};
    char status[8192];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, status, sizeof status - 1);
    if (file >= 0) close(file);
    if (length <= 0 || !molt_make_folders(job->folder, job->run)) return;
    status[length] = 0;
    molt_begin_record(&text, job);
    molt_put_field(&text, "step", job->step);
    molt_put_field(&text, "rank", start->rank);
    put_status(&text, "cpus", status, "\nCpus_allowed_list:");
    put_status(&text, "memory", status, "\nMems_allowed_list:");
    if (start->devices[0] != 0) molt_put_string(&text, "gpus", start->devices);
    if (start->visible[0] != 0) molt_put_string(&text, "visibleGPUs", start->visible);
    molt_put(&text, "}\n");
    molt_put(&path, job->folder);
    molt_put(&path, "/binding-");
    molt_put_number(&path, job->step);
    molt_put(&path, ".");
    molt_put(&path, job->host);
    molt_put(&path, ".jsonl");
    if (text.is_full || path.is_full) return;
    file = open(path.bytes, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return;
    ssize_t written = write(file, text.bytes, text.length);
    (void)written;  // where the disk is full nothing depends on it
    close(file);
}

int molt_begin(struct molt_start *start, struct molt_text *reply) {
    struct molt_job *job = start->job;
    struct molt_text text = {0}, name = {0};
    if (job->kind == MOLT_ADOPTED) adopt(job, start->rank);
    if (molt_is_fenced(job)) {
        molt_put(reply, "this job has started anew since, elsewhere");
        return MOLT_FENCED;
    }
    if (start->tells_binding != 0 && !job->is_batch && job->has_records) tell_binding(start);
    if (molt_is_fit(start, reply)) return 0;
    // The reason outlives the job's output, where it can be written.
    molt_begin_record(&text, job);
    molt_put_string(&text, "problem", reply->bytes);
    molt_put(&name, "/unfit-");
    molt_put(&name, job->host);
    molt_put(&name, ".json");
    if (molt_make_folders(job->folder, job->run)) write_record(job, name.bytes, &text);
    return MOLT_UNFIT;
}
