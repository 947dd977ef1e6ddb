// Whether this node can do the work. All of it is looked at with the user's rights, by the rank itself.
#define _GNU_SOURCE
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { GPUS_MAX = 64 };  // numbers of device nodes that are tried

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
    const char *prefix = start->settings->gpu_dev;
    for (const char *at = start->devices; prefix[0] != 0 && *at != 0; at++) {
        struct molt_text path = {0};
        molt_put(&path, prefix);
        for (; *at >= '0' && *at <= '9'; at++) molt_put(&path, (char[]){*at, 0});
        if (path.length > strlen(prefix) && !is_there("cannot use the GPU ", path.bytes, R_OK | W_OK, reply)) {
            return false;
        }
        if (*at == 0) break;
    }
    return true;
}

// As many as Slurm says: where it knows no numbers of them, one that has fallen off the bus is only missed.
static bool has_enough_devices(const struct molt_start *start, struct molt_text *reply) {
    int64_t found = 0;
    for (int64_t number = 0; found < start->gpus && number < GPUS_MAX; number++) {
        struct molt_text path = {0};
        molt_put(&path, start->settings->gpu_dev);
        molt_put_number(&path, number);
        if (!path.is_full && access(path.bytes, R_OK | W_OK) == 0) found++;
    }
    if (start->settings->gpu_dev[0] == 0 || start->gpus > GPUS_MAX || found >= start->gpus) return true;
    molt_put(reply, "GPUs that the job was given here: ");
    molt_put_number(reply, start->gpus);
    molt_put(reply, "; that can be used: ");
    molt_put_number(reply, found);
    return false;
}

// Every new file carries the time of the server that holds it: all nodes of a job are compared with the same clock. One
// rank a node looks.
bool molt_has_right_clock(const struct molt_start *start, int64_t now, struct molt_text *reply) {
    struct molt_text path = {0};
    struct stat info;
    if (start->settings->skew_max == 0 || start->local != 0) return true;
    molt_put(&path, start->job->run);
    molt_put(&path, "/.clock-");
    molt_put(&path, start->job->host);
    molt_put(&path, "-");
    molt_put_number(&path, getpid());
    int file = path.is_full ? -1 : open(path.bytes, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return true;
    bool is_known = fstat(file, &info) == 0;
    close(file);
    unlink(path.bytes);
    int64_t ahead = now / 1000000 - info.st_mtim.tv_sec;
    if (!is_known || (ahead < 0 ? -ahead : ahead) <= start->settings->skew_max) return true;
    molt_put(reply, "the clock of this node differs from the file server's by so many seconds: ");
    molt_put_number(reply, ahead);
    return false;
}

bool molt_is_fit(const struct molt_start *start, struct molt_text *reply) {
    const struct molt_job *job = start->job;
    const char *folder = job->kind == MOLT_ADOPTED ? job->checkpoints : job->run;
    return is_there("cannot write into ", folder, W_OK | X_OK, reply) &&
           has_shared_memory(start->shm_min, reply) && has_devices(start, reply) &&
           has_enough_devices(start, reply) && molt_has_right_clock(start, molt_now(), reply);
}
