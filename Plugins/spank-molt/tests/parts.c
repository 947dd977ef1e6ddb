// The parts that need no Slurm, under the sanitizers: who owns a run, whether a node is fit, when a job ends.
#define _GNU_SOURCE
#include "../user.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(condition)                                                            \
    do {                                                                           \
        if (!(condition)) {                                                        \
            fprintf(stderr, "parts.c:%d: not so: %s\n", __LINE__, #condition);      \
            exit(1);                                                               \
        }                                                                          \
    } while (0)

static char folder[64];

static struct molt_job start_of(const char *run, uint32_t number, uint32_t restart, bool is_batch) {
    struct molt_job job = {.kind = MOLT_ADOPTED, .job = number, .restart = restart, .is_batch = is_batch};
    snprintf(job.run, sizeof job.run, "%s/%s", folder, run);
    snprintf(job.folder, sizeof job.folder, "%s/slurm/%u.%u", job.run, number, restart);
    snprintf(job.checkpoints, sizeof job.checkpoints, "%s/checkpoints", job.run);
    snprintf(job.host, sizeof job.host, "n1");
    MUST(molt_make_folders(job.folder, ""));
    return job;
}

static void write_file(const char *run, const char *name, const char *text, int mode) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s/%s", folder, run, name);
    for (char *at = path + strlen(folder) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = 0, mkdir(path, 0700), *at = '/';
    }
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    MUST(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) && close(file) == 0);
}

static const char *epoch_of(const char *run, uint32_t number, uint32_t restart, bool is_batch, const char *told) {
    static char epoch[24];
    struct molt_job job = start_of(run, number, restart, is_batch);
    snprintf(job.epoch, sizeof job.epoch, "%s", told);
    molt_claim(&job, 0);
    snprintf(epoch, sizeof epoch, "%s", job.epoch);
    return epoch;
}

static bool is_fenced(const char *run, uint32_t number, uint32_t restart, const char *epoch) {
    struct molt_job job = start_of(run, number, restart, false);
    snprintf(job.epoch, sizeof job.epoch, "%s", epoch);
    return molt_is_fenced(&job);
}

// Six jobs of a dozen ranks each, all at once: one number for each job, and none is left out.
static void ranks_at_once(void) {
    enum { JOBS = 6, RANKS = 12 };
    for (int round = 0; round < 8; round++) {
        char run[32];
        int ends[2], words[JOBS] = {0};
        snprintf(run, sizeof run, "crowd-%d", round);
        start_of(run, 1, 0, false);
        MUST(pipe(ends) == 0);
        for (int index = 0; index < JOBS * RANKS; index++) {
            if (fork() != 0) continue;
            char byte;
            close(ends[1]);
            while (read(ends[0], &byte, 1) > 0) {}
            struct molt_job job = start_of(run, (uint32_t)(index % JOBS + 1), 0, false);
            molt_claim(&job, (uint32_t)(index / JOBS));
            _exit(atoi(job.epoch));
        }
        close(ends[0]), close(ends[1]);
        pid_t child;
        int word;
        while ((child = wait(&word)) > 0) {
            MUST(WIFEXITED(word) && WEXITSTATUS(word) >= 1 && WEXITSTATUS(word) <= JOBS);
            words[WEXITSTATUS(word) - 1]++;
        }
        for (int epoch = 0; epoch < JOBS; epoch++) MUST(words[epoch] == RANKS);
    }
}

static void epochs(void) {
    // A script claims; its ranks are told, or find it; each start of the job has its own.
    MUST(strcmp(epoch_of("run", 7, 0, true, ""), "1") == 0);
    MUST(strcmp(epoch_of("run", 7, 0, false, "1"), "1") == 0 && strcmp(epoch_of("run", 7, 0, false, ""), "1") == 0);
    MUST(!is_fenced("run", 7, 0, "1"));
    MUST(strcmp(epoch_of("run", 7, 1, true, "1"), "2") == 0 && strcmp(epoch_of("run", 7, 1, false, "2"), "2") == 0);
    MUST(is_fenced("run", 7, 0, "1") && !is_fenced("run", 7, 1, "2"));
    // A rank of an earlier start that nobody told its number must not take a new one: it would shut out the later.
    MUST(strcmp(epoch_of("run", 7, 0, false, ""), "") == 0);
    // Another job has its own number, and fences nobody out: only its program can know which of them is wanted.
    MUST(strcmp(epoch_of("run", 8, 0, true, ""), "3") == 0 && !is_fenced("run", 7, 1, "2"));
    // What the environment says of another job's epoch is not believed.
    MUST(strcmp(epoch_of("run", 8, 0, false, "2"), "3") == 0 && strcmp(epoch_of("run", 9, 0, true, "3"), "4") == 0);
    // Slurm gives numbers of jobs away again: a script starts anew whatever they once stood for, and nothing of that
    // time ends it.
    MUST(strcmp(epoch_of("run", 7, 0, true, ""), "5") == 0 && !is_fenced("run", 7, 0, "5"));
    MUST(strcmp(epoch_of("run", 7, 0, false, "5"), "5") == 0);
    // Claims that somebody has cleared away are not given twice.
    char path[128];
    for (int number = 1; number < 5; number++) {
        snprintf(path, sizeof path, "%s/run/epochs/%d", folder, number);
        MUST(unlink(path) == 0);
    }
    MUST(strcmp(epoch_of("run", 11, 0, true, ""), "6") == 0);

    // Runs whose jobs moltd submits are left alone: molt-job would find itself fenced out.
    write_file("theirs", "epochs/1", "{\"key\":\"x\",\"epoch\":1}", 0600);
    MUST(strcmp(epoch_of("theirs", 7, 0, true, ""), "") == 0);
    write_file("waiting", "attempts/1/launch.json", "{}", 0600);
    MUST(strcmp(epoch_of("waiting", 7, 0, true, ""), "") == 0);
    snprintf(path, sizeof path, "%s/waiting/epochs", folder);
    MUST(access(path, F_OK) != 0);
    // Claims that are not whole, too long or no numbers end nothing.
    write_file("odd", "epochs/1", "{\"version\":1,\"job\":99999999999999999999999,\"incarnation\":0", 0600);
    MUST(strcmp(epoch_of("odd", 7, 0, true, ""), "") == 0 && !is_fenced("odd", 7, 0, "99999999999999999999"));
    write_file("empty", "epochs/1", "", 0600);
    MUST(strcmp(epoch_of("empty", 7, 0, false, "1"), "") == 0 && !is_fenced("empty", 7, 0, "0"));
}

static void clocks(void) {
    struct molt_settings settings = {.skew_max = 300};
    struct molt_job job = start_of("clock", 7, 0, true);
    struct molt_start start = {.job = &job, .settings = &settings};
    const int64_t skews[] = {0, 290, -290, 310, -310, 86400};
    for (size_t at = 0; at < sizeof skews / sizeof *skews; at++) {
        struct molt_text reply = {0};
        bool is_right = molt_has_right_clock(&start, molt_now() + skews[at] * 1000000, &reply);
        MUST(is_right == (at < 3) && (reply.length > 0) == !is_right);
    }
    settings.skew_max = 0;
    struct molt_text reply = {0};
    MUST(molt_has_right_clock(&start, 0, &reply));
    char command[128];
    snprintf(command, sizeof command, "ls -A %s/clock | grep -q clock", folder);
    MUST(system(command) != 0);
}

static void devices(void) {
    struct molt_settings settings = {0};
    struct molt_job job = start_of("gpus", 7, 0, true);
    struct molt_start start = {.job = &job, .settings = &settings, .gpus = 3};
    MUST(molt_make_folders(job.checkpoints, ""));
    for (int number = 0; number < 4; number++) {
        char name[24];
        snprintf(name, sizeof name, "gpu%d", number);
        if (number != 1) write_file("gpus", name, "", 0600);
    }
    snprintf(settings.gpu_dev, sizeof settings.gpu_dev, "%s/gpus/gpu", folder);
    for (int gpus = 0; gpus < 6; gpus++) {
        struct molt_text reply = {0};
        start.gpus = gpus;
        MUST(molt_is_fit(&start, &reply) == (gpus <= 3));
        MUST(gpus <= 3 || strstr(reply.bytes, "can be used: 3") != NULL);
    }
    struct molt_text reply = {0};
    settings.gpu_dev[0] = 0;
    MUST(molt_is_fit(&start, &reply));
}

static void ends(void) {
    struct molt_job job = {.job = 4711};
    char text[300], path[128];
    int64_t soon = molt_now() / 1000000 + 3600;
    const struct {
        const char *script;
        int64_t seconds;
    } answers[] = {
        {"[ \"$*\" = '-h -j 4711 -o %%e' ] && [ $SLURM_TIME_FORMAT$SLURM_CONF = %%s/etc/x ] && echo %lld", 1},
        {"printf %lld", 1},
        {"echo NONE; : %lld", 0},
        {"echo %lld5", 0},
        {"echo 12; : %lld", 0},
        {"printf '%lld\n%%080d' 7", 0},
        {"yes %lld", 0},
        {"sleep 30; echo %lld", 0},
        {": %lld", 0},
    };
    snprintf(path, sizeof path, "%s/ask/squeue", folder);
    for (size_t at = 0; at < sizeof answers / sizeof *answers; at++) {
        char line[220];
        snprintf(line, sizeof line, answers[at].script, (long long)soon);
        snprintf(text, sizeof text, "#!/bin/bash\n%s\n", line);
        write_file("ask", "squeue", text, 0700);
        int64_t began = molt_now(), told = molt_ask_end(&job, path, "/etc/x");
        if (told != (answers[at].seconds == 1 ? soon : 0)) fprintf(stderr, "%s: %lld\n", line, (long long)told);
        MUST(told == (answers[at].seconds == 1 ? soon : 0));
        MUST(molt_now() - began < 1500000);
    }
    MUST(molt_ask_end(&job, "/nowhere/squeue", "") == 0);
    MUST(wait(NULL) < 0);
}

int main(void) {
    char command[128];
    snprintf(folder, sizeof folder, "/tmp/molt-parts-%d", getpid());
    MUST(mkdir(folder, 0700) == 0);
    ranks_at_once();
    epochs();
    clocks();
    devices();
    ends();
    snprintf(command, sizeof command, "rm -rf %s", folder);
    MUST(system(command) == 0);
    puts("epochs, clocks, devices and ends are as they must be");
    return 0;
}
