// Slurm before 23.02 tells a job nowhere when it ends, but tells everybody who asks.
#define _GNU_SOURCE
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 1000, YEARS_MAX = 10 };

static _Noreturn void ask(const char *squeue, const char *job, const char *configuration, int answer) {
    struct molt_text variable = {0};
    sigset_t none;
    molt_put(&variable, "SLURM_CONF=");
    molt_put(&variable, configuration);
    char *arguments[] = {(char *)squeue, "-h", "-j", (char *)job, "-o", "%e", NULL};
    // The time as a number, whatever the zone.
    char *environment[] = {"SLURM_TIME_FORMAT=%s", configuration[0] != 0 ? variable.bytes : NULL, NULL};
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(ANSWER_MS / 1000 + 1);
    int nothing = open("/dev/null", O_RDWR);
    if (dup2(nothing, 0) < 0 || dup2(answer, 1) < 0 || dup2(nothing, 2) < 0) _exit(1);
#ifdef SYS_close_range
    syscall(SYS_close_range, 3u, ~0u, 0u);
#endif
    execve(squeue, arguments, environment);
    _exit(127);
}

// Reads until the other end is closed; false when that takes too long.
static bool read_answer(int pipe, char *answer, size_t size) {
    int64_t end = molt_now() / 1000 + ANSWER_MS;
    for (size_t length = 0; length + 1 < size;) {
        int64_t left = end - molt_now() / 1000;
        if (left <= 0 || left > ANSWER_MS || !molt_wait_for(pipe, (int)left)) return false;
        ssize_t count = read(pipe, answer + length, size - 1 - length);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return count == 0;
        length += (size_t)count;
        answer[length] = 0;
    }
    return false;
}

int64_t molt_ask_end(const struct molt_job *job, const char *squeue, const char *configuration) {
    struct molt_text number = {0};
    char answer[32] = "";
    int64_t seconds = 0, now = molt_now() / 1000000;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return 0;
    molt_put_number(&number, job->job);
    pid_t child = fork();
    if (child == 0) ask(squeue, number.bytes, configuration, ends[1]);
    close(ends[1]);
    bool is_whole = child > 0 && read_answer(ends[0], answer, sizeof answer);
    close(ends[0]);
    if (child > 0 && !is_whole) kill(child, SIGKILL);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    answer[strcspn(answer, "\n")] = 0;
    bool is_sensible = is_whole && molt_number(answer, &seconds) && seconds > now &&
                       seconds < now + YEARS_MAX * INT64_C(366) * 86400;
    return is_sensible ? seconds : 0;
}
