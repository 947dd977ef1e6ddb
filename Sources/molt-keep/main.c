// molt-keep FOLDER/NAME PROGRAM [ARGUMENT…]
//
// Keeps one job of the local site: starts its program, stays its parent whatever becomes of the daemon, and leaves
// the wait status behind. Writes
//   NAME.keeper   "<pid> <start ticks> <boot id>\n" before anything starts (O_EXCL: of two keepers one gives up),
//                 then "<pid of the program>\n";
//   NAME.exit     "<wait status>\n" when the program has ended and nothing that it started is left.
// Orphans of the job become its children, so nothing escapes; it ignores the signals meant for them.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char keeper_path[4200], exit_path[4200], exit_temporary[4200];

static _Noreturn void give_up(const char *what) {
    dprintf(2, "molt-keep: %s: %s\n", what, strerror(errno));
    _exit(125);
}

// The parent and the start time of a process, from fields 4 and 22 of its stat file; 0 when it is gone.
static int read_stat(const char *path, long *parent, unsigned long long *ticks) {
    char text[1024];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) return 0;
    text[count] = 0;
    char *end = strrchr(text, ')');
    return end && sscanf(end + 1, " %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                         parent, ticks) == 2;
}

static void write_all(int file, const char *text, const char *what) {
    size_t length = strlen(text);
    if (write(file, text, length) != (ssize_t)length || fsync(file) != 0) give_up(what);
}

static int announce(void) {
    char boot[64] = "", text[128];
    long parent;
    unsigned long long ticks = 0;
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, boot, sizeof boot - 1) <= 0) give_up("boot id");
    close(file);
    boot[strcspn(boot, "\n")] = 0;
    if (!read_stat("/proc/self/stat", &parent, &ticks)) give_up("/proc/self/stat");
    file = open(keeper_path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) give_up(keeper_path);
    snprintf(text, sizeof text, "%d %llu %s\n", getpid(), ticks, boot);
    write_all(file, text, keeper_path);
    return file;
}

static void for_the_program(char *const *argv, pid_t keeper) {
    sigset_t none;
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    // Should the keeper be killed, the program must not go on unseen.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper) _exit(125);
    execv(argv[0], argv);
    dprintf(2, "molt-keep: cannot execute %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

// Kills what the program left behind, generation after generation: the children of the dead become ours.
static void end_children(void) {
    for (;;) {
        struct dirent *entry;
        DIR *processes = opendir("/proc");
        while (processes && (entry = readdir(processes))) {
            char path[300];
            long parent;
            unsigned long long ticks;
            int pid = atoi(entry->d_name);
            snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
            if (pid > 0 && read_stat(path, &parent, &ticks) && parent == getpid()) kill(pid, SIGKILL);
        }
        if (processes) closedir(processes);
        pid_t pid;
        do pid = waitpid(-1, NULL, WNOHANG);
        while (pid > 0);
        if (pid < 0 && errno == ECHILD) return;
        usleep(10000);
    }
}

static void report(int status) {
    char text[32];
    int file = open(exit_temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) give_up(exit_temporary);
    snprintf(text, sizeof text, "%d\n", status);
    write_all(file, text, exit_temporary);
    close(file);
    if (rename(exit_temporary, exit_path) != 0) give_up(exit_path);
    char *slash = strrchr(exit_path, '/');
    if (slash) *slash = 0;
    int folder = open(exit_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) fsync(folder);
}

int main(int argc, char **argv) {
    if (argc < 3 || strlen(argv[1]) > 4096) {
        dprintf(2, "usage: molt-keep FOLDER/NAME PROGRAM [ARGUMENT...]\n");
        return 125;
    }
    snprintf(keeper_path, sizeof keeper_path, "%s.keeper", argv[1]);
    snprintf(exit_path, sizeof exit_path, "%s.exit", argv[1]);
    snprintf(exit_temporary, sizeof exit_temporary, "%s.exit.tmp", argv[1]);
    for (int number = 1; number < NSIG; number++)
        if (number != SIGCHLD) signal(number, SIG_IGN);
    umask(077);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) give_up("become a subreaper");
    int keeper = announce();
    pid_t self = getpid(), program = fork();
    if (program < 0) give_up("fork");
    if (program == 0) for_the_program(argv + 2, self);
    char text[32];
    snprintf(text, sizeof text, "%d\n", program);
    write_all(keeper, text, keeper_path);
    int status = 0;
    for (;;) {
        int word;
        pid_t ended = waitpid(-1, &word, 0);
        if (ended == program) {
            status = word;
            break;
        }
        if (ended < 0 && errno != EINTR) give_up("wait");
    }
    end_children();
    report(status);
    return 0;
}
