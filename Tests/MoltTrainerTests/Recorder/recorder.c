// Preloaded into a worker: writes down every change that it makes below MOLT_RECORD_ROOT, in its order, with the bytes
// that it wrote. A record is a line of an operation, one or two paths and two numbers, and then so many bytes.
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { descriptors = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *paths[descriptors];
static int record_fd = -1;

static const char *root(void) { return getenv("MOLT_RECORD_ROOT"); }

static int is_ours(const char *path) {
    const char *prefix = root();
    return prefix && path && strncmp(path, prefix, strlen(prefix)) == 0;
}

static void put(const void *bytes, size_t count) {
    const char *at = bytes;
    while (count > 0) {
        long written = syscall(SYS_write, record_fd, at, count);
        if (written <= 0) _exit(97);
        at += written;
        count -= (size_t)written;
    }
}

static void record(
    const char *operation, const char *one, const char *two, long offset, const void *bytes, size_t count) {
    char line[2 * PATH_MAX + 64];
    if (record_fd < 0) {
        const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
        record_fd = (int)syscall(SYS_openat, AT_FDCWD, getenv("MOLT_RECORD"), flags, 0600);
        if (record_fd < 0) _exit(97);
    }
    int length = snprintf(line, sizeof line, "%s\t%s\t%s\t%ld\t%zu\n", operation, one, two ? two : "", offset, count);
    put(line, (size_t)length);
    if (count > 0) put(bytes, count);
}

static int opened(int fd, const char *path, int flags, int existed) {
    if (fd < 0 || fd >= descriptors || !is_ours(path)) return fd;
    pthread_mutex_lock(&lock);
    free(paths[fd]);
    paths[fd] = strdup(path);
    if ((flags & O_CREAT) && !existed) record("create", path, NULL, 0, NULL, 0);
    if (existed && (flags & O_TRUNC)) record("truncate", path, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return fd;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    struct stat status;
    int existed = is_ours(path) && stat(path, &status) == 0;
    return opened((int)syscall(SYS_openat, folder, path, flags, mode), path, flags, existed);
}

#define MODE(flags)                                        \
    mode_t mode = 0;                                       \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {               \
        va_list arguments;                                 \
        va_start(arguments, flags);                        \
        mode = (mode_t)va_arg(arguments, int);             \
        va_end(arguments);                                 \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return open_at(folder, path, flags, mode); }

int close(int fd) {
    if (fd >= 0 && fd < descriptors && paths[fd]) {
        pthread_mutex_lock(&lock);
        free(paths[fd]);
        paths[fd] = NULL;
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    int ours = fd >= 0 && fd < descriptors && paths[fd];
    long offset = ours ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t written = syscall(SYS_write, fd, bytes, count);
    if (ours && written > 0) {
        pthread_mutex_lock(&lock);
        record("write", paths[fd], NULL, offset, bytes, (size_t)written);
        pthread_mutex_unlock(&lock);
    }
    return written;
}

int fsync(int fd) {
    int result = (int)syscall(SYS_fsync, fd);
    if (result == 0 && fd >= 0 && fd < descriptors && paths[fd]) {
        pthread_mutex_lock(&lock);
        record("sync", paths[fd], NULL, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return result;
}

static int changed(int result, const char *operation, const char *one, const char *two) {
    if (result == 0 && is_ours(one)) {
        pthread_mutex_lock(&lock);
        record(operation, one, two, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return result;
}

// glibc sets errno in syscall().
int rename(const char *from, const char *to) {
    return changed((int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0), "rename", from, to);
}
int link(const char *from, const char *to) {
    return changed((int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0), "link", from, to);
}
int unlink(const char *path) {
    return changed((int)syscall(SYS_unlinkat, AT_FDCWD, path, 0), "unlink", path, NULL);
}
int rmdir(const char *path) {
    return changed((int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR), "rmdir", path, NULL);
}
int mkdir(const char *path, mode_t mode) {
    return changed((int)syscall(SYS_mkdirat, AT_FDCWD, path, mode), "mkdir", path, NULL);
}

// What would change a file in a way that no record tells must not go unnoticed.
#define UNTOLD(type, name, signature, number, ...)                           \
    type name signature {                                                    \
        if (fd >= 0 && fd < descriptors && paths[fd]) {                      \
            record("unknown", paths[fd], #name, 0, NULL, 0);                 \
        }                                                                    \
        return (type)syscall(number, __VA_ARGS__);                           \
    }
UNTOLD(ssize_t, pwrite, (int fd, const void *bytes, size_t count, long at), SYS_pwrite64, fd, bytes, count, at)
UNTOLD(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, long at), SYS_pwrite64, fd, bytes, count, at)
UNTOLD(ssize_t, writev, (int fd, const struct iovec *vectors, int count), SYS_writev, fd, vectors, count)
UNTOLD(int, ftruncate, (int fd, long length), SYS_ftruncate, fd, length)
UNTOLD(int, ftruncate64, (int fd, long length), SYS_ftruncate, fd, length)
