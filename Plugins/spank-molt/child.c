#define _GNU_SOURCE
#include "molt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// slurmstepd has threads: a child of its may only use what needs no lock, so the plain system calls.
static bool become_user(const struct molt_job *job) {
    if (job->uid == 0) return false;
    if (geteuid() == 0) {
        if (syscall(SYS_setgroups, job->group_count, job->groups) != 0) return false;
        if (syscall(SYS_setresgid, job->gid, job->gid, job->gid) != 0) return false;
        if (syscall(SYS_setresuid, job->uid, job->uid, job->uid) != 0) return false;
    }
    return getuid() == job->uid && geteuid() == job->uid;
}

static _Noreturn void perform(
    const struct molt_job *job, int milliseconds, int pipe, molt_work *work, const void *argument) {
    struct molt_text reply = {0}, answer = {0};
    sigset_t signals;
    sigfillset(&signals);
    sigdelset(&signals, SIGALRM);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    alarm((unsigned)(milliseconds / 1000 + 1));  // ends it even when nobody waits any longer
    // What slurmstepd holds (credentials, sockets) is none of the user's business, not even for this second.
    prctl(PR_SET_DUMPABLE, 0);
    dup2(pipe, 3);
#ifdef SYS_close_range
    syscall(SYS_close_range, 4u, ~0u, 0u);
#endif
    umask(077);
    molt_put(&answer, become_user(job) && work(argument, &reply) ? "+" : "-");
    molt_put(&answer, reply.bytes);
    // Less than PIPE_BUF bytes arrive whole or not at all.
    _exit(write(3, answer.bytes, answer.length) == (ssize_t)answer.length ? 0 : 1);
}

bool molt_wait_for(int pipe, int milliseconds) {
    int64_t left = milliseconds, end = molt_now() / 1000 + left;
    struct pollfd wanted = {.fd = pipe, .events = POLLIN};
    int ready;
    while ((ready = poll(&wanted, 1, (int)left)) < 0 && errno == EINTR) {
        left = end - molt_now() / 1000;
        left = left < 0 || left > milliseconds ? 0 : left;
    }
    return ready > 0;
}

enum molt_outcome molt_as_user(
    const struct molt_job *job, int milliseconds, molt_work *work, const void *argument, struct molt_text *reply) {
    int ends[2];
    char answer[sizeof reply->bytes] = "";
    memset(reply, 0, sizeof *reply);
    if (pipe2(ends, O_CLOEXEC) != 0) return MOLT_FAILED;
    pid_t child = fork();
    if (child == 0) perform(job, milliseconds, ends[1], work, argument);
    close(ends[1]);
    bool is_late = child > 0 && !molt_wait_for(ends[0], milliseconds);
    // One that hangs in a file system dies when it can; slurmstepd passes over children that it does not know.
    if (is_late) molt_put(reply, "the folders do not answer"), kill(child, SIGKILL);
    if (!is_late && read(ends[0], answer, sizeof answer - 1) > 0) molt_put(reply, answer + 1);
    close(ends[0]);
    while (child > 0 && waitpid(child, NULL, is_late ? WNOHANG : 0) < 0 && errno == EINTR) {}
    return is_late ? MOLT_LATE : answer[0] == '+' ? MOLT_DONE : answer[0] == '-' ? MOLT_REFUSED : MOLT_FAILED;
}
