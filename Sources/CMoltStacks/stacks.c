#define _GNU_SOURCE
#include "molt_stacks.h"

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES_MAX = 128, THREADS_MAX = 512, PATIENCE_MS = 200 };

// One thread is asked at a time. One that answers after its turn finds another turn's number, and stays silent.
static atomic_int turn, answered;
static atomic_int output = -1;

static int ask_signal(void) { return SIGRTMIN + 6; }

static void answer(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)context;
    int saved = errno, mine = info->si_value.sival_int;
    if (mine == atomic_load(&turn)) {
        void *frames[FRAMES_MAX];
        int count = backtrace(frames, FRAMES_MAX);
        backtrace_symbols_fd(frames, count, atomic_load(&output));
        atomic_store(&answered, mine);
    }
    errno = saved;
}

static void nothing(int signal) { (void)signal; }

int32_t molt_stacks_prepare(void) {
    // The first call loads a library, which a handler must not do.
    void *frame[1];
    backtrace(frame, 1);
    struct sigaction ask = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigaction quit = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigemptyset(&ask.sa_mask);
    sigemptyset(&quit.sa_mask);
    if (sigaction(ask_signal(), &ask, NULL) != 0) return errno;
    // Whoever started us may have blocked it, and threads inherit that.
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, ask_signal());
    int code = pthread_sigmask(SIG_UNBLOCK, &asked, NULL);
    if (code != 0) return code;
    return sigaction(SIGQUIT, &quit, NULL) == 0 ? 0 : errno;
}

static void say(int descriptor, const char *text) {
    if (write(descriptor, text, strlen(text)) < 0) return;
}

static void name_of(long thread, char *name, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%ld/comm", thread);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(name, (int)size, file)) snprintf(name, size, "?");
    if (file) fclose(file);
    name[strcspn(name, "\n")] = 0;
}

enum outcome { TOLD, SILENT, ENDED };

static enum outcome ask(long thread) {
    int mine = atomic_fetch_add(&turn, 1) + 1;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = ask_signal();
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = mine;
    if (syscall(SYS_rt_tgsigqueueinfo, (long)getpid(), thread, (long)ask_signal(), &info) != 0)
        return errno == ESRCH ? ENDED : SILENT;
    for (int passed = 0; passed < PATIENCE_MS; passed++) {
        if (atomic_load(&answered) == mine) return TOLD;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    // From here on its answer would stand under another thread's name.
    atomic_fetch_add(&turn, 1);
    return SILENT;
}

void molt_stacks_write(int32_t descriptor) {
    atomic_store(&output, descriptor);
    say(descriptor, "--- stacks of all threads ---\n");
    DIR *threads = opendir("/proc/self/task");
    if (!threads) return;
    long self = syscall(SYS_gettid);
    int count = 0;
    for (struct dirent *entry; count < THREADS_MAX && (entry = readdir(threads));) {
        long thread = strtol(entry->d_name, NULL, 10);
        if (thread <= 0 || thread == self) continue;
        char name[32], line[96];
        name_of(thread, name, sizeof name);
        snprintf(line, sizeof line, "stack of thread %ld %s:\n", thread, name);
        say(descriptor, line);
        switch (ask(thread)) {
        case TOLD: break;
        case SILENT: say(descriptor, "(it does not answer)\n"); break;
        case ENDED: say(descriptor, "(it has ended meanwhile)\n"); break;
        }
        count++;
    }
    closedir(threads);
    say(descriptor, "--- end of stacks ---\n");
}
