// Only in builds with -DMOLT_SPANK_FAULTS: every hook that Slurm knows exists, can be told to fail, and is timed.
//   MOLT_SPANK_FAULT=<hook>:<kind> in the environment of sbatch, or fault=<hook>:<kind> in plugstack.conf
//     fail    the work of the hook is not done        slow    it takes 5 s        broken  the hook returns -1
//   timing=<file> in plugstack.conf                   one line for each call: hook, job, step, nanoseconds
#pragma once
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *fault_argument(const char *name, int count, char **arguments) {
    size_t length = strlen(name);
    for (int index = 0; index < count; index++) {
        if (strncmp(arguments[index], name, length) == 0) return arguments[index] + length;
    }
    return NULL;
}

// What is wanted of this hook: "fail", "slow", "broken" or "".
static void fault_kind(const char *hook, spank_t spank, int count, char **arguments, char *kind, size_t size) {
    char value[64] = "";
    const char *found = getenv("MOLT_SPANK_FAULT");
    if (found == NULL) found = getenv("SPANK_MOLT_SPANK_FAULT");
    if (found == NULL && spank_getenv(spank, "MOLT_SPANK_FAULT", value, sizeof value) == ESPANK_SUCCESS) found = value;
    if (found == NULL) found = fault_argument("fault=", count, arguments);
    kind[0] = 0;
    size_t length = strlen(hook);
    if (found != NULL && strncmp(found, hook, length) == 0 && found[length] == ':') {
        snprintf(kind, size, "%s", found + length + 1);
    }
}

static int64_t fault_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void fault_report(const char *hook, spank_t spank, int count, char **arguments, int64_t nanoseconds) {
    const char *path = fault_argument("timing=", count, arguments);
    char line[128];
    uint32_t job = 0, step = 0;
    if (path == NULL) return;
    spank_get_item(spank, S_JOB_ID, &job);
    spank_get_item(spank, S_JOB_STEPID, &step);
    int length = snprintf(line, sizeof line, "%s %u %u %lld\n", hook, job, step, (long long)nanoseconds);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0) return;
    if (write(file, line, (size_t)length) != length) slurm_error("molt: no timing");
    close(file);
}

#define HOOK(name)                                                                                       \
    static void work_of_##name(spank_t, int, char **);                                                   \
    int slurm_spank_##name(spank_t spank, int count, char **arguments) {                                 \
        char kind[16];                                                                                   \
        int64_t start = fault_nanoseconds();                                                             \
        fault_kind(#name, spank, count, arguments, kind, sizeof kind);                                   \
        if (strcmp(kind, "broken") == 0) return -1;                                                      \
        if (strcmp(kind, "slow") == 0) sleep(5);                                                         \
        if (strcmp(kind, "fail") != 0) work_of_##name(spank, count, arguments);                          \
        fault_report(#name, spank, count, arguments, fault_nanoseconds() - start);                       \
        return 0;                                                                                        \
    }                                                                                                    \
    static void work_of_##name(spank_t spank __attribute__((unused)), int count __attribute__((unused)), \
                               char **arguments __attribute__((unused)))

// Hooks that the plugin does without.
HOOK(init_post_opt) {
    const char *fault = getenv("MOLT_SPANK_FAULT");
    if (spank_context() == S_CTX_ALLOCATOR && fault != NULL) {
        spank_job_control_setenv(spank, "MOLT_SPANK_FAULT", fault, 1);
    }
}
HOOK(local_user_init) {}
HOOK(task_post_fork) {}
HOOK(exit) {}
HOOK(job_prolog) {}
HOOK(job_epilog) {}
HOOK(slurmd_exit) {}
