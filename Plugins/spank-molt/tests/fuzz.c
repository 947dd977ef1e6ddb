// The plugin with a Slurm of our own making: random options, environments and items, under the sanitizers.
//   fuzz SECONDS [SEED]
// What must hold: an accepted value consists of harmless characters, every hook returns 0, a rank that is refused ends
// with 77 or 76, and what is written is lines of JSON in the folder of the run.
#define _GNU_SOURCE
#include "../molt.h"

#include <dirent.h>
#include <sanitizer/common_interface_defs.h>
#include <slurm/spank.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(condition)                                                                  \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fprintf(stderr, "fuzz.c:%d: not so: %s (seed %llu)\n", __LINE__, #condition, \
                    (unsigned long long)first_seed);                                     \
            ++*deaths;                                                                   \
            abort();                                                                     \
        }                                                                                \
    } while (0)

static uint64_t seed, first_seed;
static volatile int *deaths;  // shared: a child of a child dies unseen

static void note_death(void) { ++*deaths; }
static char folder[64];

static uint32_t chance(uint32_t below) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % below;
}

static const char *const words[] = {
    "n[1-4]", "n1,n2", "n[001-100,7]x-ib", "[", "]", "n[", "n[1-", "n[1-2]]", ",,,", "support-bot", "../x", "/a/../b",
    "..", "/", "//", "/tmp/x", "a/b", ".hidden", "-x", "%u", "%s%n", "0", "12", "999999999999999999",
    "9999999999999999999999", "-1", "0,1,2,3", "0-3", "GPU-1", "\n", "\"}", "\\", "\x80\xff", "$(id)", "`id`", "; rm",
    "runs=/x", "runs=/x/%u", "shm_min=", "shm_min=1", "oom_score=1001", "oom_score=5", "gpu_dev=/dev/null", "=",
    "fence=1", "fence=2", "binding=1", "skew_max=300", "skew_max=99999999", "squeue=/bin/true", "squeue=true",
    "0123456789abcdef0123456789abcdef"};

// A word, some of them glued together, noise, or something far too long.
static void invent(char *text, size_t size) {
    size_t length = 0, at = 0;
    text[0] = 0;
    switch (chance(4)) {
    case 0:
        snprintf(text, size, "%s", words[chance(sizeof words / sizeof *words)]);
        break;
    case 1:
        for (uint32_t count = chance(6); count > 0; count--) {
            length += (size_t)snprintf(text + length, size - length, "%s", words[chance(sizeof words / sizeof *words)]);
            if (length >= size) break;
        }
        break;
    case 2:
        for (length = chance(chance(8) == 0 ? (uint32_t)size : 40); length > 0; length--) {
            text[at++] = (char)(1 + chance(255));
            text[at] = 0;
        }
        break;
    default:
        length = chance(chance(8) == 0 ? (uint32_t)size : 150);
        memset(text, 'a' + (int)chance(26), length);
        text[length] = 0;
        if (length > 0 && chance(2) == 0) text[0] = '/';
    }
}

// --- Slurm ---------------------------------------------------------------------------------------------------------

static struct spank_option *registered, *hang_registered, *key_registered;
static spank_context_t context;
static int end_word;

static const char *sensible(const char *name) {
    static char value[128];
    if (strcmp(name, "MOLT_KEY") == 0) return "0123456789abcdef0123456789abcdef";
    if (strcmp(name, "MOLT_RUN_DIR") == 0 || strcmp(name, "MOLT_RUNS") == 0) return folder;
    if (strcmp(name, "MOLT_ADOPT") == 0) return "support-bot";
    if (strcmp(name, "MOLT_EPOCH") == 0) return "3";
    if (strcmp(name, "SLURM_STEP_NODELIST") == 0) return "n[1-4]";
    if (strcmp(name, "SLURMD_NODENAME") == 0) return "n1";
    snprintf(value, sizeof value, "%lld", (long long)time(NULL) + 3600);
    return strcmp(name, "SLURM_JOB_END_TIME") == 0 ? value : NULL;
}

spank_err_t spank_getenv(spank_t spank, const char *name, char *value, int length) {
    static char invented[5000];
    const char *found = sensible(name);
    (void)spank;
    uint32_t choice = chance(10);
    if (choice < 2 || (choice < 7 && found == NULL)) return ESPANK_ENV_NOEXIST;
    if (choice >= 7) {
        invent(invented, sizeof invented);
        found = invented;
    }
    size_t room = (size_t)length, wanted = strlen(found);
    memcpy(value, found, wanted < room ? wanted + 1 : room);
    if (wanted < room) return ESPANK_SUCCESS;
    // Slurm ends the text in some releases and in some it does not.
    if (chance(2) == 0) value[room - 1] = 0;
    return ESPANK_NOSPACE;
}

spank_err_t spank_setenv(spank_t spank, const char *name, const char *value, int replaces) {
    (void)spank, (void)replaces;
    MUST(strncmp(name, "MOLT_", 5) == 0 || strncmp(name, "MASTER_", 7) == 0);
    MUST(strlen(value) > 0 && strlen(value) < MOLT_FILE_MAX);
    for (const char *at = value; *at != 0; at++) MUST((unsigned char)*at >= 32);
    return ESPANK_SUCCESS;
}

spank_err_t spank_unsetenv(spank_t spank, const char *name) {
    (void)spank;
    MUST(strcmp(name, "MOLT_KEY") == 0 || strcmp(name, "MOLT_EPOCH") == 0 || strcmp(name, "MOLT_DEADLINE") == 0);
    return ESPANK_SUCCESS;
}

spank_err_t spank_get_item(spank_t spank, spank_item_t item, ...) {
    static gid_t groups[4000];
    spank_err_t status = ESPANK_SUCCESS;
    va_list list;
    (void)spank;
    va_start(list, item);
    if (item == S_JOB_UID) *va_arg(list, uid_t *) = chance(20) == 0 ? 0 : getuid() == 0 ? 65534 : getuid();
    else if (item == S_JOB_GID) *va_arg(list, gid_t *) = getgid() == 0 ? 65534 : getgid();
    else if (item == S_TASK_EXIT_STATUS) *va_arg(list, int *) = end_word;
    else if (item == S_JOB_STEPID) *va_arg(list, uint32_t *) = chance(3) == 0 ? 0xfffffffb : chance(4);
    else if (item == S_JOB_SUPPLEMENTARY_GIDS) {
        *va_arg(list, gid_t **) = groups;
        *va_arg(list, int *) = chance(4) == 0 ? 4000 : (int)chance(20) - 1;
    } else *va_arg(list, uint32_t *) = chance(2) == 0 ? chance(5) : seed & 0xffffffff;
    if (chance(30) == 0) status = ESPANK_ERROR;
    va_end(list);
    return status;
}

spank_context_t spank_context(void) { return context; }
int spank_remote(spank_t spank) { return spank == NULL && context == S_CTX_REMOTE; }
spank_err_t spank_option_register(spank_t spank, struct spank_option *option) {
    (void)spank;
    if (strcmp(option->name, "molt") == 0) registered = option;
    else if (strcmp(option->name, "molt-hang") == 0) hang_registered = option;
    else key_registered = option;
    return ESPANK_SUCCESS;
}

static void format_only(const char *format, va_list list) {
    char text[4096];
    vsnprintf(text, sizeof text, format, list);
    for (const char *at = text; *at != 0; at++) MUST((unsigned char)*at >= 32 || *at == '\n');
}
#define LOG(name)                        \
    void name(const char *format, ...) { \
        va_list list;                    \
        va_start(list, format);          \
        format_only(format, list);       \
        va_end(list);                    \
    }
LOG(slurm_error)
LOG(slurm_debug)
LOG(slurm_spank_log)

// --- what must hold ------------------------------------------------------------------------------------------------

static bool consists_of(const char *text, const char *others) {
    for (; *text != 0; text++) {
        bool is_digit = *text >= '0' && *text <= '9', is_small = *text >= 'a' && *text <= 'z';
        if (!is_digit && !is_small && (*text < 'A' || *text > 'Z') && strchr(others, *text) == NULL) return false;
    }
    return true;
}

static void parse_one(void) {
    static char text[5000];
    char host[MOLT_HOST_MAX];
    int64_t number;
    invent(text, sizeof text);
    if (molt_is_run(text)) {
        MUST(strlen(text) > 0 && strlen(text) <= MOLT_OPTION_MAX);
        MUST(consists_of(text, "/._-+@=") && strstr(text, "..") != text && strstr(text, "/.") == NULL);
    }
    if (molt_is_path(text)) MUST(text[0] == '/' && strstr(text, "/../") == NULL && strlen(text) < MOLT_PATH_MAX);
    if (molt_number(text, &number)) MUST(number >= 0 && consists_of(text, "") && strlen(text) <= 18);
    memset(host, '?', sizeof host);
    if (molt_first_host(text, host, sizeof host)) {
        MUST(strnlen(host, sizeof host) < sizeof host && host[0] != 0 && consists_of(host, "._-"));
    }
    struct molt_settings settings = {0};
    molt_setting(&settings, text);
    MUST(settings.oom_score >= 0 && settings.oom_score <= 1000 && settings.shm_min >= 0);
    MUST(settings.fences >= 0 && settings.fences <= 1 && settings.skew_max >= 0 && settings.skew_max <= 86400);
    MUST(settings.squeue[0] == 0 || (settings.squeue[0] == '/' && strstr(settings.squeue, "/../") == NULL));
    if (registered != NULL) {
        MUST(registered->cb(0, text, 1) == 0);
        MUST(registered->cb(0, text, 0) == (molt_is_run(text) ? 0 : -1));
        MUST(hang_registered->cb(0, text, 1) == 0);
        MUST(hang_registered->cb(0, text, 0) == (molt_seconds(text, &number) ? 0 : -1));
        MUST(key_registered->cb(0, text, 1) == 0);
        MUST(key_registered->cb(0, text, 0) == (molt_is_key(text) ? 0 : -1));
        if (molt_is_key(text)) MUST(strlen(text) == 32 && consists_of(text, ""));
        if (molt_seconds(text, &number)) MUST(number > 0 && number <= 604800 && consists_of(text, "smh"));
    }
}

int slurm_spank_init(spank_t, int, char **);
int slurm_spank_user_init(spank_t, int, char **);
int slurm_spank_task_init_privileged(spank_t, int, char **);
int slurm_spank_task_init(spank_t, int, char **);
int slurm_spank_task_exit(spank_t, int, char **);

// Many texts; none may hold the plugin up. Time of the processor, since a busy machine may pause anything.
static void parse_many(int count) {
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (; count > 0; count--) parse_one();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    MUST((double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9 < 1);
}

// One slurmstepd from its start to the end of a rank, in a process of its own; the rank is a child of it.
static int life(void) {
    static char texts[3][600], *arguments[3] = {texts[0], texts[1], texts[2]};
    for (int index = 0; index < 3; index++) invent(texts[index], sizeof texts[index]);
    context = S_CTX_REMOTE;
    MUST(slurm_spank_init(NULL, 3, arguments) == 0);
    if (chance(2) == 0) registered->cb(0, words[chance(sizeof words / sizeof *words)], 1);
    MUST(slurm_spank_user_init(NULL, 3, arguments) == 0);
    pid_t rank = fork();
    if (rank == 0) {
        MUST(getuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0));
        MUST(slurm_spank_task_init_privileged(NULL, 3, arguments) == 0);
        MUST(slurm_spank_task_init(NULL, 3, arguments) == 0);
        _exit(0);
    }
    int word = 0;
    MUST(waitpid(rank, &word, 0) == rank);
    MUST(WIFEXITED(word));
    MUST(WEXITSTATUS(word) == 0 || WEXITSTATUS(word) == MOLT_UNFIT || WEXITSTATUS(word) == MOLT_FENCED);
    end_word = chance(2) == 0 ? word : (int)chance(128);
    MUST(slurm_spank_task_exit(NULL, 3, arguments) == 0);
    return 0;
}

static uint64_t records;

// Every file below the folder of the runs is whole.
static void look_at(const char *path) {
    DIR *entries = opendir(path);
    MUST(entries != NULL);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char name[1200], text[4096] = "";
        struct stat info;
        // What is being written, and a list of numbers.
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "newest") == 0) continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        MUST(lstat(name, &info) == 0 && info.st_uid != 0);
        if (S_ISDIR(info.st_mode)) {
            look_at(name);
            continue;
        }
        FILE *file = fopen(name, "r");
        MUST(file != NULL);
        size_t length = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        MUST(length > 20 && strncmp(text, "{\"version\":1,", 13) == 0 && strcmp(text + length - 2, "}\n") == 0);
        bool has_lines = strstr(entry->d_name, ".jsonl") != NULL;
        for (size_t at = 0; at + 1 < length; at++) MUST(text[at] >= 32 || (has_lines && text[at] == '\n'));
        records++;
    }
    closedir(entries);
}

static bool sleep_long(const void *argument, struct molt_text *reply) {
    (void)argument, (void)reply;
    sleep(20);
    return true;
}

// Work that hangs is given up in time, and its process is gone.
static void hang(void) {
    struct molt_job job = {.uid = getuid() == 0 ? 65534 : getuid(), .gid = getgid() == 0 ? 65534 : getgid()};
    struct molt_text reply;
    int64_t start = molt_now();
    MUST(molt_as_user(&job, 300, sleep_long, NULL, &reply) == MOLT_LATE);
    MUST(molt_now() - start >= 290000 && molt_now() - start < 2000000);
    while (waitpid(-1, NULL, 0) > 0) {}
    MUST(molt_now() - start < 3000000);
}

int main(int count, char **arguments) {
    double seconds = count > 1 ? atof(arguments[1]) : 5;
    uint64_t inputs = 0, lives = 0;
    struct timespec now;
    first_seed = seed = count > 2 ? strtoull(arguments[2], NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
    if (seed == 0) seed = 1;
    deaths = mmap(NULL, sizeof *deaths, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    __sanitizer_set_death_callback(note_death);
    snprintf(folder, sizeof folder, "/tmp/molt-fuzz-%d", getpid());
    MUST(mkdir(folder, 0777) == 0 && chmod(folder, 0777) == 0 && chdir(folder) == 0);
    setenv("SLURMD_NODENAME", "n1", 1);
    hang();
    context = S_CTX_LOCAL;
    slurm_spank_init(NULL, 0, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
    double start = (double)now.tv_sec + (double)now.tv_nsec / 1e9, end = start;
    while (end - start < seconds) {
        // What never ends is ended by SIGALRM.
        alarm(60);
        parse_many(500);
        inputs += 500;
        pid_t child = fork();
        if (child == 0) _exit(life());
        int word = 0;
        MUST(waitpid(child, &word, 0) == child && word == 0 && *deaths == 0);
        lives++;
        chance(2);
        clock_gettime(CLOCK_MONOTONIC, &now);
        end = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    }
    alarm(0);
    look_at(folder);
    printf("%llu inputs parsed, %llu jobs lived, %llu records read, nothing wrong (seed %llu)\n",
           (unsigned long long)inputs, (unsigned long long)lives, (unsigned long long)records,
           (unsigned long long)first_seed);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    MUST(records > 0 && lives > 0);
    return system(command) == 0 ? 0 : 1;
}
