#define _GNU_SOURCE
#include "molt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

// Makes the folder and those above it that are longer than `kept`.
static bool make_folders(const char *path, const char *kept) {
    struct molt_text part = {0};
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return true;
    for (size_t at = 0; path[at] != 0; at++) {
        if (path[at] == '/' && at > strlen(kept)) mkdir(part.bytes, 0700);
        molt_put(&part, (char[]){path[at], 0});
    }
    return mkdir(part.bytes, 0700) == 0 || errno == EEXIST;
}

static void begin_record(struct molt_text *text, const struct molt_job *job) {
    molt_put(text, "{\"version\":1");
    molt_put_string(text, "host", job->host);
    molt_put_field(text, "job", job->job);
    molt_put_field(text, "incarnation", job->restart);
    molt_put_time(text, "startedAt", job->started_at);
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

bool molt_write_end(const void *argument, struct molt_text *reply) {
    const struct molt_end *end = argument;
    const struct molt_job *job = end->job;
    struct molt_text text = {0}, name = {0};
    char progress[MOLT_FILE_MAX];
    struct stat info;
    bool is_killed = WIFSIGNALED(end->word);
    begin_record(&text, job);
    molt_put_field(&text, is_killed ? "signal" : "status", is_killed ? WTERMSIG(end->word) : WEXITSTATUS(end->word));
    molt_put_time(&text, "endedAt", end->at);
    if (job->is_batch) {
        molt_put(&name, "/end.json");
    } else {
        molt_put_field(&text, "step", job->step);
        molt_put_field(&text, "rank", end->rank);
        molt_progress_path(job, end->rank, progress, sizeof progress);
        if (stat(progress, &info) == 0) molt_put_time(&text, "progressAt", (int64_t)info.st_mtim.tv_sec * 1000000);
        molt_put(&name, "/step-");
        molt_put_number(&name, job->step);
        molt_put(&name, ".rank-");
        molt_put_number(&name, end->rank);
        molt_put(&name, ".json");
    }
    // A run folder that somebody has removed is not made again.
    if (make_folders(job->folder, job->run) && write_record(job, name.bytes, &text)) return true;
    molt_put(reply, "error ");
    molt_put_number(reply, errno);
    return false;
}

bool molt_write_hang(const void *argument, struct molt_text *reply) {
    const struct molt_hang *hang = argument;
    struct molt_text text = {0}, name = {0}, problem = {0};
    (void)reply;
    begin_record(&text, hang->job);
    molt_put_field(&text, "step", hang->job->step);
    molt_put_field(&text, "rank", hang->rank);
    molt_put_time(&text, "endedAt", molt_now());
    molt_put(&problem, "no progress for ");
    molt_put_number(&problem, hang->job->hang);
    molt_put(&problem, " s");
    molt_put_string(&text, "problem", problem.bytes);
    molt_put(&name, "/hang-");
    molt_put_number(&name, hang->job->step);
    molt_put(&name, ".rank-");
    molt_put_number(&name, hang->rank);
    molt_put(&name, ".json");
    return make_folders(hang->job->folder, hang->job->run) && write_record(hang->job, name.bytes, &text);
}

// What moltd looks for: <runs>/*/slurm/*/adopted.json says that a job of the user's own making belongs to a run.
static void adopt(const struct molt_job *job, uint32_t rank) {
    struct molt_text path = {0}, text = {0};
    molt_put(&path, job->folder);
    molt_put(&path, "/adopted.json");
    if (!make_folders(job->folder, "") || !make_folders(job->checkpoints, "")) return;
    if (rank != 0 || access(path.bytes, F_OK) == 0) return;
    begin_record(&text, job);
    molt_put_field(&text, "nodes", job->nodes);
    if (job->ends_at > 0) molt_put_field(&text, "endsAt", job->ends_at);
    molt_put(&text, job->is_batch ? ",\"batch\":true" : ",\"batch\":false");
    write_record(job, "/adopted.json", &text);
}

static bool is_there(const char *what, const char *path, int mode, struct molt_text *reply) {
    if (access(path, mode) == 0) return true;
    molt_put(reply, what);
    molt_put(reply, path);
    molt_put(reply, errno == ENOENT ? " (there is none)" : errno == EACCES ? " (permission denied)" : " (error)");
    return false;
}

static bool has_shared_memory(int64_t wanted, struct molt_text *reply) {
    struct statvfs space;
    if (wanted <= 0) return true;
    if (statvfs("/dev/shm", &space) == 0 && (int64_t)(space.f_bavail * space.f_frsize >> 20) >= wanted) return true;
    molt_put(reply, "/dev/shm has too little free; MiB needed: ");
    molt_put_number(reply, wanted);
    return false;
}

// Not opened: that wakes a sleeping GPU and takes seconds.
static bool has_devices(const struct molt_start *start, struct molt_text *reply) {
    for (const char *at = start->devices; start->gpu_dev[0] != 0 && *at != 0; at++) {
        struct molt_text path = {0};
        molt_put(&path, start->gpu_dev);
        for (; *at >= '0' && *at <= '9'; at++) molt_put(&path, (char[]){*at, 0});
        if (path.length > strlen(start->gpu_dev) &&
            !is_there("cannot use the GPU ", path.bytes, R_OK | W_OK, reply)) return false;
        if (*at == 0) break;
    }
    return true;
}

bool molt_begin(const void *argument, struct molt_text *reply) {
    const struct molt_start *start = argument;
    const struct molt_job *job = start->job;
    if (job->kind == MOLT_ADOPTED) adopt(job, start->rank);
    const char *folder = job->kind == MOLT_ADOPTED ? job->checkpoints : job->run;
    if (is_there("cannot write into ", folder, W_OK | X_OK, reply) && has_shared_memory(start->shm_min, reply) &&
        has_devices(start, reply)) return true;
    // The reason outlives the job's output, where it can be written.
    struct molt_text text = {0}, name = {0};
    begin_record(&text, job);
    molt_put_string(&text, "problem", reply->bytes);
    molt_put(&name, "/unfit-");
    molt_put(&name, job->host);
    molt_put(&name, ".json");
    if (make_folders(job->folder, job->run)) write_record(job, name.bytes, &text);
    return false;
}
