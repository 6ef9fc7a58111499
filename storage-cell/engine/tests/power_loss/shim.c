/* Records what a process does to the files below one folder, in order, for power_loss.rs.
 *
 * Loaded with LD_PRELOAD. It does not replace functions of libc, which code that makes its own
 * system calls goes around (rustix does, and so the rename of tempfile): a seccomp filter turns
 * the system calls that change files into SIGSYS, whose handler makes the call and writes an
 * event, both under one lock. So the events are in the order in which things happened, whichever
 * thread did them. A call that changes files in a way the simulated disk does not know ends the
 * process.
 *
 * Syncs are only recorded: whether anything reaches a real disk does not matter to the test.
 *
 *   POWER_LOSS_ROOT   the folder, as an absolute path without links
 *   POWER_LOSS_TRACE  the file that receives the events
 *   POWER_LOSS_SKIP   a pattern (fnmatch) of paths, those of folders with "/" at their end: syncs
 *                     of these are only pretended, and not recorded
 *
 * An event is five 64-bit numbers (kind, bytes of path, bytes of other path, offset or length,
 * bytes of data), then the path, the other path and the data. What is written to the standard
 * output is recorded too, as a note.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define ARGUMENT(c, n) \
    ((c)->uc_mcontext.gregs[(const int[]){REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8}[n]])
#define RESULT(c) ((c)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define ARGUMENT(c, n) ((c)->uc_mcontext.regs[n])
#define RESULT(c) ((c)->uc_mcontext.regs[0])
#else
#error "the registers of this architecture are not known"
#endif

/* In the sixth argument, which none of the known calls has: let the call pass. */
#define PASS_HIGH 0x43454c4cu
#define PASS_LOW 0x41523936u
#define PASS (((uint64_t)PASS_HIGH << 32) | PASS_LOW)

enum kind { OPEN = 1, OPEN_EMPTY, WRITE, RESIZE, SYNC, RENAME, REMOVE, MAKE_FOLDER, NOTE };

#define PATH_BYTES 4096

static char root[PATH_BYTES];
static size_t root_bytes;
static int trace = -1;
static const char *skip;
static atomic_flag busy = ATOMIC_FLAG_INIT;

/* The calls that the handler knows. */
static const int known[] = {
    SYS_openat,    SYS_write,  SYS_pwrite64, SYS_writev,   SYS_ftruncate, SYS_fsync,
    SYS_fdatasync, SYS_unlinkat, SYS_mkdirat, SYS_renameat2,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_open
    SYS_open,      SYS_creat,  SYS_rename,   SYS_unlink,   SYS_mkdir,
#endif
};

/* Other ways to change files: the simulated disk does not know them. */
static const int unknown[] = {
    SYS_openat2,   SYS_pwritev, SYS_pwritev2, SYS_truncate, SYS_fallocate, SYS_sync_file_range,
    SYS_sync,      SYS_syncfs,  SYS_linkat,   SYS_symlinkat, SYS_copy_file_range, SYS_sendfile,
    SYS_splice,    SYS_io_uring_setup,
#ifdef SYS_link
    SYS_link,      SYS_symlink, SYS_rmdir,
#endif
};

static long call(long number, long a, long b, long c, long d) {
    long result = syscall(number, a, b, c, d, 0L, PASS);
    return result == -1 ? -(long)errno : result;
}

static void fail(const char *why, long number) {
    char text[200];
    int bytes = snprintf(text, sizeof text, "shim.c: %s (system call %ld)\n", why, number);
    call(SYS_write, 2, (long)text, bytes, 0);
    _exit(99);
}

static int is_inside(const char *path) {
    if (strncmp(path, root, root_bytes) != 0)
        return 0;
    return path[root_bytes] == '/' || path[root_bytes] == 0;
}

/* The path of an open file as it is now; false if it is outside, or has been removed. */
static int path_of(int fd, char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, path, PATH_BYTES - 1);
    if (bytes <= 0)
        return 0;
    path[bytes] = 0;
    return is_inside(path) && strstr(path, " (deleted)") == NULL;
}

/* A path as an argument. */
static int is_path_inside(int folder, const char *path, long number) {
    if (path[0] == '/')
        return is_inside(path);
    char other[PATH_BYTES];
    if (folder == AT_FDCWD || path_of(folder, other))
        fail("a relative path", number);
    return 0;
}

static void record(enum kind kind, const char *path, const char *other, uint64_t offset,
                   const void *data, size_t bytes) {
    uint64_t head[5] = {kind, strlen(path), strlen(other), offset, bytes};
    struct iovec parts[4] = {{head, sizeof head},
                             {(void *)path, head[1]},
                             {(void *)other, head[2]},
                             {(void *)data, bytes}};
    size_t whole = sizeof head + head[1] + head[2] + bytes;
    if (call(SYS_writev, trace, (long)parts, 4, 0) != (long)whole)
        fail("the trace cannot be written", SYS_writev);
}

static long opened(long number, int folder, const char *name, int flags, int mode) {
    char path[PATH_BYTES];
    if ((flags & O_TMPFILE) == O_TMPFILE)
        fail("a file without a name", number);
    long fd = call(SYS_openat, folder, (long)name, flags, mode);
    if (fd >= 0 && flags & (O_CREAT | O_TRUNC) && path_of(fd, path))
        record(flags & O_TRUNC ? OPEN_EMPTY : OPEN, path, "", 0, NULL, 0);
    return fd;
}

static long written(int fd, const void *data, size_t bytes) {
    char path[PATH_BYTES];
    long result = call(SYS_write, fd, (long)data, bytes, 0);
    if (result > 0 && fd == STDOUT_FILENO)
        record(NOTE, "", "", 0, data, result);
    else if (result > 0 && path_of(fd, path))
        record(WRITE, path, "", lseek(fd, 0, SEEK_CUR) - result, data, result);
    return result;
}

/* Fewer bytes than asked for may be written at a time. */
static long written_parts(int fd, const struct iovec *parts, int count) {
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len > 0)
            return written(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

static long written_at(int fd, const void *data, size_t bytes, off_t offset) {
    char path[PATH_BYTES];
    long result = call(SYS_pwrite64, fd, (long)data, bytes, offset);
    if (result > 0 && path_of(fd, path))
        record(WRITE, path, "", offset, data, result);
    return result;
}

static long resized(int fd, off_t bytes) {
    char path[PATH_BYTES];
    long result = call(SYS_ftruncate, fd, bytes, 0, 0);
    if (result == 0 && path_of(fd, path))
        record(RESIZE, path, "", bytes, NULL, 0);
    return result;
}

static long synced(long number, int fd) {
    char path[PATH_BYTES], pattern_path[PATH_BYTES + 1];
    struct stat about;
    if (!path_of(fd, path))
        return call(number, fd, 0, 0, 0);
    if (fstat(fd, &about) != 0)
        return -errno;
    snprintf(pattern_path, sizeof pattern_path, "%s%s", path, S_ISDIR(about.st_mode) ? "/" : "");
    if (skip == NULL || fnmatch(skip, pattern_path, 0) != 0)
        record(SYNC, path, "", 0, NULL, 0);
    return 0;
}

static long renamed(long number, int from, const char *old, int to, const char *new) {
    int inside = is_path_inside(from, old, number);
    if (inside != is_path_inside(to, new, number))
        fail("a rename that is not simulated", number);
    long result = call(SYS_renameat2, from, (long)old, to, (long)new);
    if (result == 0 && inside)
        record(RENAME, old, new, 0, NULL, 0);
    return result;
}

static long removed(long number, int folder, const char *name, int flags) {
    int inside = is_path_inside(folder, name, number);
    if (inside && flags != 0)
        fail("a folder is removed", number);
    long result = call(SYS_unlinkat, folder, (long)name, flags, 0);
    if (result == 0 && inside)
        record(REMOVE, name, "", 0, NULL, 0);
    return result;
}

static long made(long number, int folder, const char *name, int mode) {
    int inside = is_path_inside(folder, name, number);
    long result = call(SYS_mkdirat, folder, (long)name, mode, 0);
    if (result == 0 && inside)
        record(MAKE_FOLDER, name, "", 0, NULL, 0);
    return result;
}

static long handle(long number, ucontext_t *context) {
    long a = ARGUMENT(context, 0), b = ARGUMENT(context, 1);
    long c = ARGUMENT(context, 2), d = ARGUMENT(context, 3);
    switch (number) {
    case SYS_openat: return opened(number, a, (char *)b, c, d);
    case SYS_write: return written(a, (void *)b, c);
    case SYS_pwrite64: return written_at(a, (void *)b, c, d);
    case SYS_writev: return written_parts(a, (struct iovec *)b, c);
    case SYS_ftruncate: return resized(a, b);
    case SYS_fsync:
    case SYS_fdatasync: return synced(number, a);
    case SYS_unlinkat: return removed(number, a, (char *)b, c);
    case SYS_mkdirat: return made(number, a, (char *)b, c);
    case SYS_renameat2:
        if (ARGUMENT(context, 4) != 0)
            fail("a rename with flags", number);
        return renamed(number, a, (char *)b, c, (char *)d);
#ifdef SYS_renameat
    case SYS_renameat: return renamed(number, a, (char *)b, c, (char *)d);
#endif
#ifdef SYS_open
    case SYS_open: return opened(number, AT_FDCWD, (char *)a, b, c);
    case SYS_creat: return opened(number, AT_FDCWD, (char *)a, O_CREAT | O_WRONLY | O_TRUNC, b);
    case SYS_rename: return renamed(number, AT_FDCWD, (char *)a, AT_FDCWD, (char *)b);
    case SYS_unlink: return removed(number, AT_FDCWD, (char *)a, 0);
    case SYS_mkdir: return made(number, AT_FDCWD, (char *)a, b);
#endif
    default: fail("not simulated", number);
    }
    return -ENOSYS;
}

static void on_system_call(int signal, siginfo_t *info, void *context) {
    (void)signal;
    int before = errno;
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        sched_yield();
    RESULT((ucontext_t *)context) = handle(info->si_syscall, context);
    atomic_flag_clear_explicit(&busy, memory_order_release);
    errno = before;
}

static void install_filter(void) {
    enum { KNOWN = sizeof known / sizeof *known, UNKNOWN = sizeof unknown / sizeof *unknown };
    struct sock_filter filter[KNOWN + UNKNOWN + 12];
    unsigned n = 0;
#define LOAD(field) \
    (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQUAL(value, yes, no) \
    (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define RETURN(what) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, what)
    filter[n++] = LOAD(arch);
    filter[n++] = IF_EQUAL(ARCHITECTURE, 1, 0);
    filter[n++] = RETURN(SECCOMP_RET_KILL_PROCESS);
    /* Both are little-endian. */
    filter[n++] = LOAD(args[5]);
    filter[n++] = IF_EQUAL(PASS_LOW, 0, 3);
    filter[n++] = (struct sock_filter)BPF_STMT(
        BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5]) + 4);
    filter[n++] = IF_EQUAL(PASS_HIGH, 0, 1);
    filter[n++] = RETURN(SECCOMP_RET_ALLOW);
    filter[n++] = LOAD(nr);
    for (unsigned i = 0; i < KNOWN + UNKNOWN; i++)
        filter[n++] = IF_EQUAL(i < KNOWN ? known[i] : unknown[i - KNOWN], KNOWN + UNKNOWN - i, 0);
    filter[n++] = RETURN(SECCOMP_RET_ALLOW);
    filter[n++] = RETURN(SECCOMP_RET_TRAP);
    struct sock_fprog program = {n, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("shim.c: no seccomp filter");
        _exit(98);
    }
}

__attribute__((constructor)) static void start(void) {
    const char *folder = getenv("POWER_LOSS_ROOT"), *events = getenv("POWER_LOSS_TRACE");
    skip = getenv("POWER_LOSS_SKIP");
    if (folder == NULL || events == NULL || strlen(folder) >= sizeof root) {
        fprintf(stderr, "shim.c: the environment says not what to record\n");
        _exit(97);
    }
    strcpy(root, folder);
    root_bytes = strlen(root);
    int fd = open(events, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    trace = fcntl(fd, F_DUPFD_CLOEXEC, 400);
    close(fd);
    struct sigaction action = {.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO};
    if (trace < 0 || sigaction(SIGSYS, &action, NULL) != 0) {
        perror("shim.c");
        _exit(96);
    }
    install_filter();
}
