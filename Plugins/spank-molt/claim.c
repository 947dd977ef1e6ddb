// The epoch of a start of a job: a number below `epochs/` of the run that no other start has. Whoever links the next
// free name has it; the file was whole before it had that name, so a reader sees who owns it. Nothing here needs to
// survive a loss of power: that ends the starts that it tells apart, too.
#define _GNU_SOURCE
#include "user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CLAIMS_READ = 64, CLAIMS_TRIED = 256 };

// Of the claims of one job.
enum owner {
    NOBODY,
    MYSELF,
    LATER,    // the same job, started again since
    ANOTHER,  // an earlier start of the same job, or another job
    MOLT,     // molt-job: the run is none of ours
};

static void path_of(struct molt_text *path, const struct molt_job *job, const char *name) {
    molt_put(path, job->run);
    molt_put(path, "/epochs/");
    molt_put(path, name);
}

// Reads the number after `key`, and leaves what follows it.
static bool read_field(const char **at, const char *key, int64_t *number) {
    char digits[20];
    if (strncmp(*at, key, strlen(key)) != 0) return false;
    size_t length = strspn(*at += strlen(key), "0123456789");
    if (length >= sizeof digits) return false;
    memcpy(digits, *at, length);
    digits[length] = 0;
    *at += length;
    return molt_number(digits, number);
}

static enum owner owner_of(const struct molt_job *job, int64_t epoch) {
    struct molt_text name = {0}, path = {0};
    char bytes[256];
    const char *at = bytes;
    int64_t number, restart;
    molt_put_number(&name, epoch);
    path_of(&path, job, name.bytes);
    int file = path.is_full ? -1 : open(path.bytes, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return errno == ENOENT ? NOBODY : ANOTHER;
    ssize_t length = read(file, bytes, sizeof bytes - 1);
    close(file);
    bytes[length > 0 ? length : 0] = 0;
    if (!read_field(&at, "{\"version\":1,\"job\":", &number) || !read_field(&at, ",\"incarnation\":", &restart)) {
        return MOLT;
    }
    if (number != job->job || restart < job->restart) return ANOTHER;
    return restart == job->restart ? MYSELF : LATER;
}

// The highest number; without opendir, which allocates. A stale listing only makes the search start lower.
static int64_t newest_claim(const char *folder) {
    _Alignas(struct dirent64) char entries[4096];
    int64_t newest = 0, number;
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long length;
    while (file >= 0 && (length = syscall(SYS_getdents64, file, entries, sizeof entries)) > 0) {
        for (long at = 0; at < length;) {
            const struct dirent64 *entry = (const void *)(entries + at);
            if (molt_number(entry->d_name, &number) && number > newest) newest = number;
            at += entry->d_reclen;
        }
    }
    if (file >= 0) close(file);
    return newest;
}

// Of network file systems a listing may be stale, an opened file is not: molt-train looks there, too.
static void announce(const struct molt_job *job, int64_t epoch) {
    struct molt_text path = {0}, line = {0};
    path_of(&path, job, "newest");
    molt_put_number(&line, epoch);
    molt_put(&line, "\n");
    int file = open(path.bytes, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return;
    ssize_t written = write(file, line.bytes, line.length);
    (void)written;  // the listing tells it, too
    close(file);
}

// Links the first free number above `newest`; 0 when that is impossible.
static int64_t take_next(const struct molt_job *job, const char *draft, int64_t newest) {
    for (int64_t epoch = newest + 1; epoch < newest + CLAIMS_TRIED; epoch++) {
        struct molt_text name = {0}, path = {0};
        molt_put_number(&name, epoch);
        path_of(&path, job, name.bytes);
        if (path.is_full) return 0;
        if (link(draft, path.bytes) == 0) {
            announce(job, epoch);
            return epoch;
        }
        if (errno != EEXIST) return 0;
        // Another rank of this start was first, or a reply got lost on its way.
        enum owner owner = owner_of(job, epoch);
        if (owner == MYSELF) return epoch;
        if (owner == MOLT || owner == LATER) return 0;
    }
    return 0;
}

static int64_t claim(const struct molt_job *job, uint32_t rank) {
    struct molt_text folder = {0}, plan = {0}, draft = {0}, text = {0};
    path_of(&folder, job, "");
    molt_put(&plan, job->run);
    molt_put(&plan, "/attempts/1/launch.json");
    // What moltd submits claims its run by itself, and would find itself fenced out.
    if (plan.is_full || access(plan.bytes, F_OK) == 0 || !molt_make_folders(folder.bytes, job->run)) return 0;
    int64_t newest = newest_claim(folder.bytes);
    for (int64_t epoch = newest; epoch > 0 && epoch > newest - CLAIMS_READ; epoch--) {
        enum owner owner = owner_of(job, epoch);
        if (owner == MOLT) return 0;
        // A script starts once. What else bears the number of its job is of a time before Slurm gave it away again.
        if (job->is_batch || owner == ANOTHER || owner == NOBODY) continue;
        return owner == MYSELF ? epoch : 0;
    }
    path_of(&draft, job, "");
    const int64_t parts[] = {job->job, job->restart, job->step, rank};
    for (size_t at = 0; at < sizeof parts / sizeof *parts; at++) {
        molt_put(&draft, ".");
        molt_put_number(&draft, parts[at]);
    }
    molt_begin_record(&text, job);
    molt_put(&text, "}\n");
    if (draft.is_full) return 0;
    int file = open(draft.bytes, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return 0;
    bool is_whole = write(file, text.bytes, text.length) == (ssize_t)text.length;
    bool is_there = close(file) == 0 && is_whole;
    int64_t epoch = is_there ? take_next(job, draft.bytes, newest) : 0;
    unlink(draft.bytes);
    return epoch;
}

void molt_claim(struct molt_job *job, uint32_t rank) {
    struct molt_text text = {0};
    int64_t epoch = 0;
    // The script has told its ranks; whether it was this job's script, its claim says.
    bool is_told = !job->is_batch && molt_number(job->epoch, &epoch) && owner_of(job, epoch) == MYSELF;
    if (!is_told) epoch = claim(job, rank);
    if (epoch > 0) molt_put_number(&text, epoch);
    molt_copy(job->epoch, sizeof job->epoch, text.bytes);
}

bool molt_is_fenced(const struct molt_job *job) {
    int64_t epoch;
    if (job->kind != MOLT_ADOPTED || !molt_number(job->epoch, &epoch)) return false;
    for (int64_t next = epoch + 1; next < epoch + CLAIMS_READ; next++) {
        enum owner owner = owner_of(job, next);
        if (owner == LATER) return true;
        if (owner == NOBODY) return false;
    }
    return false;
}
