#define _GNU_SOURCE
#include "molt_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static int prepare(posix_spawn_file_actions_t *actions, const char *folder, const int32_t *sources) {
    int code = 0;
    for (int target = 0; target < 3 && code == 0; target++)
        code = posix_spawn_file_actions_adddup2(actions, sources[target], target);
    if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    if (code == 0 && folder) code = posix_spawn_file_actions_addchdir_np(actions, folder);
    return code;
}

static int set_attributes(posix_spawnattr_t *attributes, int own_session) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    if (own_session) flags |= POSIX_SPAWN_SETSID;
    int code = posix_spawnattr_setsigdefault(attributes, &all);
    if (code == 0) code = posix_spawnattr_setsigmask(attributes, &none);
    return code != 0 ? code : posix_spawnattr_setflags(attributes, flags);
}

int32_t molt_spawn(const char *const *argv, const char *const *envp, const char *folder, int32_t input, int32_t output,
                   int32_t error, int32_t own_session, int32_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    // Sources below 3 would be overwritten by one another: lift them first.
    int32_t sources[3] = {fcntl(input, F_DUPFD_CLOEXEC, 3), fcntl(output, F_DUPFD_CLOEXEC, 3),
                          fcntl(error, F_DUPFD_CLOEXEC, 3)};
    int code = sources[0] < 0 || sources[1] < 0 || sources[2] < 0 ? errno : 0;
    if (code == 0 && (code = posix_spawn_file_actions_init(&actions)) == 0) {
        if ((code = posix_spawnattr_init(&attributes)) == 0) {
            pid_t child = 0;
            code = prepare(&actions, folder, sources);
            if (code == 0) code = set_attributes(&attributes, own_session);
            if (code == 0)
                code = posix_spawn(&child, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv,
                                   (char *const *)(uintptr_t)envp);
            if (code == 0) *pid = child;
            posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    for (int i = 0; i < 3; i++)
        if (sources[i] >= 0) close(sources[i]);
    return code;
}
