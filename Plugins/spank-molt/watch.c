// Looks after a rank without anybody's help: not a thread of slurmstepd, and not a child that the rank's program could
// stumble over. It ends within a second of its rank.
#define _GNU_SOURCE
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DUMP_SECONDS = 5, STOP_SECONDS = 30, FENCE_SECONDS = 5 };

struct sight {
    char state;
    int64_t started;  // in ticks since boot: together with the number one process for good
};

// What /proc/PID/stat says; false once there is no such process.
static bool look(pid_t rank, struct sight *sight) {
    struct molt_text path = {0};
    char line[1024], *at;
    molt_put(&path, "/proc/");
    molt_put_number(&path, rank);
    molt_put(&path, "/stat");
    int file = open(path.bytes, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    ssize_t length = read(file, line, sizeof line - 1);
    close(file);
    if (length <= 0) return false;
    line[length] = 0;
    // The program's name, in brackets, may hold anything.
    if ((at = strrchr(line, ')')) == NULL || at[1] == 0) return false;
    sight->state = at[2];
    for (int field = 3; field < 22 && at != NULL; field++) at = strchr(at + 2, ' ');
    if (at == NULL) return false;
    sight->started = 0;
    for (at++; *at >= '0' && *at <= '9'; at++) sight->started = sight->started * 10 + (*at - '0');
    return true;
}

static bool is_same(pid_t rank, const struct sight *first, struct sight *now) {
    return look(rank, now) && now->started == first->started && now->state != 'Z' && now->state != 'X';
}

static int64_t monotonic(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void pause_a_second(void) {
    struct timespec second = {.tv_sec = 1};
    nanosleep(&second, NULL);
}

// True while the rank is still there after so many seconds.
static bool outlasts(pid_t rank, const struct sight *first, int seconds) {
    struct sight now;
    for (; seconds > 0 && is_same(rank, first, &now); seconds--) pause_a_second();
    return is_same(rank, first, &now);
}

static void end(pid_t rank, const struct sight *first, const struct molt_watch *watch, bool is_fenced) {
    molt_write_stop(watch, is_fenced);
    // At SIGQUIT many runtimes print where they are. Who is fenced out is in nobody's way for that long.
    if (!is_fenced) kill(rank, SIGQUIT);
    if (is_fenced || outlasts(rank, first, DUMP_SECONDS)) kill(rank, SIGTERM);
    if (outlasts(rank, first, STOP_SECONDS)) kill(rank, SIGKILL);
}

static _Noreturn void look_after(pid_t rank, const struct sight *first, const struct molt_watch *watch) {
    struct stat info;
    struct sight now;
    struct timespec changed = {0};
    int64_t silent = 0, last = monotonic(), asked = last;
    while (is_same(rank, first, &now)) {
        pause_a_second();
        int64_t moment = monotonic(), passed = moment - last;
        last = moment;
        // One look at one name, on a file system that may show it half a minute late.
        bool is_due = watch->fences && moment - asked >= FENCE_SECONDS * 1000, is_fenced = false;
        if (is_due) asked = moment, is_fenced = molt_is_fenced(watch->job);
        bool has_moved = stat(watch->progress, &info) == 0 && (info.st_mtim.tv_sec != changed.tv_sec ||
                                                              info.st_mtim.tv_nsec != changed.tv_nsec);
        if (has_moved) changed = info.st_mtim;
        // Who is suspended is not to blame; this process most likely was, too, and a pause of its own is nobody's.
        if (has_moved) silent = 0;
        else if (now.state != 'T' && now.state != 't') silent += passed > 2000 ? 2000 : passed;
        bool is_stuck = watch->progress[0] != 0 && watch->job->hang > 0 && silent >= watch->job->hang * 1000;
        if (!is_stuck && !is_fenced) continue;
        end(rank, first, watch, is_fenced);
        break;
    }
    _exit(0);
}

void molt_watch(const struct molt_watch *watch) {
    struct sight first;
    pid_t rank = getpid();
    if (!look(rank, &first)) return;
    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGQUIT, SIG_IGN);
        setpgid(0, 0);
        // A second birth: the rank's program has no child that it does not know.
        if (fork() != 0) _exit(0);
#ifdef SYS_close_range
        syscall(SYS_close_range, 0u, ~0u, 0u);
#else
        for (int file = 0; file < 1024; file++) close(file);
#endif
        if (chdir("/") != 0) _exit(1);
        prctl(PR_SET_NAME, "molt-watch");
        umask(077);
        look_after(rank, &first, watch);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
}
