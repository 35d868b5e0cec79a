/* Fails an open, read or write of a file below one folder, as a disk or a file server would.
 * Loaded with LD_PRELOAD; tests/support/file_faults.py says which call fails, and how. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, KINDS };
static char folder[PATH_MAX];
static long counts[KINDS], first;
static int failing = -1, number, lasting;

/* The `nth` call of a kind (from 1; 0: none) fails with an errno, and all later ones too where it lasts. */
void winnow_plan_fault(const char *below, int kind, long nth, int error, int lasts) {
    snprintf(folder, sizeof folder, "%s", below);
    memset(counts, 0, sizeof counts);
    failing = kind, first = nth, number = error, lasting = lasts;
}

long winnow_count(int kind) { return counts[kind]; }

static int fails(int kind, const char *path) {
    if (!*folder || !path || strncmp(path, folder, strlen(folder))) return 0;
    long call = __atomic_add_fetch(&counts[kind], 1, __ATOMIC_SEQ_CST);
    if (kind != failing || !first || call < first || (call > first && !lasting)) return 0;
    errno = number;
    return 1;
}

static int fails_at(int kind, int file) {
    if (!*folder) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(kind, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENS(name)                                            \
    int name(const char *path, int flags, ...) {               \
        va_list rest;                                          \
        va_start(rest, flags);                                 \
        int mode = va_arg(rest, int);                          \
        va_end(rest);                                          \
        return fails(OPEN, path) ? -1 : REAL(name)(path, flags, mode); \
    }
#define OPENS_AT(name)                                         \
    int name(int at, const char *path, int flags, ...) {       \
        va_list rest;                                          \
        va_start(rest, flags);                                 \
        int mode = va_arg(rest, int);                          \
        va_end(rest);                                          \
        return fails(OPEN, path) ? -1 : REAL(name)(at, path, flags, mode); \
    }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

DIR *opendir(const char *path) { return fails(OPEN, path) ? NULL : REAL(opendir)(path); }

ssize_t read(int file, void *to, size_t size) { return fails_at(READ, file) ? -1 : REAL(read)(file, to, size); }
ssize_t pread(int file, void *to, size_t size, off_t at) {
    return fails_at(READ, file) ? -1 : REAL(pread)(file, to, size, at);
}
ssize_t pread64(int file, void *to, size_t size, off64_t at) {
    return fails_at(READ, file) ? -1 : REAL(pread64)(file, to, size, at);
}
ssize_t write(int file, const void *from, size_t size) {
    return fails_at(WRITE, file) ? -1 : REAL(write)(file, from, size);
}
ssize_t pwrite(int file, const void *from, size_t size, off_t at) {
    return fails_at(WRITE, file) ? -1 : REAL(pwrite)(file, from, size, at);
}
ssize_t pwrite64(int file, const void *from, size_t size, off64_t at) {
    return fails_at(WRITE, file) ? -1 : REAL(pwrite64)(file, from, size, at);
}
int fsync(int file) { return fails_at(WRITE, file) ? -1 : REAL(fsync)(file); }
