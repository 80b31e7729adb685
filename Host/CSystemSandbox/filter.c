// The system calls that a plugin may make.
//
// A list of what is allowed, not of what is forbidden: the kernel gains calls every year (io_uring, pidfd, the new
// mount calls), and a list of forbidden ones lets through each that it was written before. What an allow-list gets
// wrong is a call that some library needs and nobody thought of; since every refusal is reported by name, that takes
// one log line to find and one line below to mend.
//
// A refused call goes to the host, which logs its name and answers (seccomp's user notification), and not to a SIGSYS
// handler in this process: glibc blocks every signal around fork and posix_spawn, where a blocked SIGSYS kills, and a
// plugin could take the handler, or the log, away. For the same reason the listening descriptor leaves this process:
// who holds it can also let a refused call through.

#define _GNU_SOURCE
#include "CSystemSandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// By name and not by number: not every processor has each of them, and libseccomp knows newer ones than the headers.
static const char *const allowed[] = {
    // Memory.
    "brk", "madvise", "mbind", "get_mempolicy", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mmap",
    "mprotect", "mremap", "msync", "munlock", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect", "process_madvise",
    // Threads, locks, time.
    "arch_prctl", "clock_getres", "clock_gettime", "clock_nanosleep", "exit", "exit_group", "futex", "futex_wait",
    "futex_wake", "futex_waitv", "futex_requeue", "get_robust_list", "set_robust_list", "get_thread_area",
    "set_thread_area", "getcpu", "gettimeofday", "nanosleep", "rseq", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "sched_yield", "set_tid_address", "time",
    "times", "timer_create", "timer_delete", "timer_gettime", "timer_settime", "timer_getoverrun", "getitimer",
    "setitimer", "alarm", "pause", "restart_syscall",
    // Signals of its own.
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "sigaltstack",
    // Files. Which ones is for users, modes and Landlock to say. Nothing that changes a mode, an owner, a time or an
    // attribute: Landlock does not know those, and files may be the operator's own.
    "access", "faccessat", "faccessat2", "chdir", "fchdir", "close", "close_range", "copy_file_range", "creat", "dup",
    "dup2", "dup3", "fadvise64", "fallocate", "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate",
    "getcwd", "getdents", "getdents64", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat",
    "openat2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink",
    "readlinkat", "readv", "rename", "renameat", "renameat2", "rmdir", "sendfile", "stat", "statfs", "statx",
    "sync_file_range", "umask", "unlink", "unlinkat", "write", "writev",
    // Waiting for descriptors.
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2",
    "pipe", "pipe2", "poll", "ppoll", "pselect6", "select", "signalfd4", "timerfd_create", "timerfd_gettime",
    "timerfd_settime",
    // The socket to the host, which is the only one it can have.
    "recvmsg", "sendmsg", "shutdown",
    // Who and where it is.
    "capget", "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority",
    "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "setrlimit",
    "sysinfo", "uname", "wait4", "waitid",
};

// A call allowed where (argument `index` & `mask`) is `value`.
struct condition {
    const char *name;
    unsigned index;
    uint64_t mask;
    uint64_t value;
};

enum { SET_VMA = 0x53564d41 };  // PR_SET_VMA, which names a mapping for /proc/PID/maps

#define ALL ((uint64_t)0xffffffff)
#define NEW_NAMESPACE                                                                                        \
    ((uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
                CLONE_NEWNET))

static int allow(scmp_filter_ctx filter, const char *name, const struct scmp_arg_cmp *when) {
    int call = seccomp_syscall_resolve_name(name);
    // Below zero it is not known, or not one of this processor's.
    if (call < 0) return 0;
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, when ? 1 : 0, when);
}

static int fill(scmp_filter_ctx filter) {
    const uint64_t self = (uint64_t)getpid();
    const struct condition conditions[] = {
        {"clone", 0, CLONE_THREAD | NEW_NAMESPACE, CLONE_THREAD},
        // Its own signals: abort and pthread_kill.
        {"kill", 0, ALL, self},
        {"tgkill", 0, ALL, self},
        {"rt_tgsigqueueinfo", 0, ALL, self},
        {"prlimit64", 0, ALL, 0},
        {"prlimit64", 0, ALL, self},
        {"sched_setaffinity", 0, ALL, 0},
        {"sched_setscheduler", 0, ALL, 0},
        {"setpriority", 1, ALL, 0},
        {"prctl", 0, ALL, PR_SET_NAME},
        {"prctl", 0, ALL, PR_GET_NAME},
        {"prctl", 0, ALL, PR_GET_DUMPABLE},
        {"prctl", 0, ALL, PR_GET_NO_NEW_PRIVS},
        {"prctl", 0, ALL, PR_GET_SECCOMP},
        {"prctl", 0, ALL, PR_SET_THP_DISABLE},
        {"prctl", 0, ALL, PR_GET_THP_DISABLE},
        {"prctl", 0, ALL, PR_SET_TIMERSLACK},
        {"prctl", 0, ALL, SET_VMA},
        // Asking a descriptor what it is. Not TIOCSTI, by which a program types into the operator's terminal, nor the
        // calls by which a listener lets refused calls through.
        {"ioctl", 1, ALL, TCGETS},
        {"ioctl", 1, ALL, TIOCGWINSZ},
        {"ioctl", 1, ALL, FIONREAD},
        {"ioctl", 1, ALL, FIONBIO},
        {"ioctl", 1, ALL, FIOCLEX},
        {"ioctl", 1, ALL, FIONCLEX},
    };
    int failure = 0;
    for (size_t i = 0; !failure && i < sizeof allowed / sizeof *allowed; i++) {
        failure = allow(filter, allowed[i], NULL);
    }
    for (size_t i = 0; !failure && i < sizeof conditions / sizeof *conditions; i++) {
        const struct condition *condition = &conditions[i];
        const struct scmp_arg_cmp when =
            SCMP_CMP64(condition->index, SCMP_CMP_MASKED_EQ, condition->mask, condition->value);
        failure = allow(filter, condition->name, &when);
    }
    // Its flags are in memory, where a filter cannot look; glibc falls back to clone where the kernel has no clone3.
    if (!failure) failure = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    // A call made as a 32-bit program would make it has other numbers.
    if (!failure) failure = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    return failure;
}

// The program for the kernel, in memory that the caller frees; NULL and errno on failure.
static struct sock_filter *compile(uint32_t refusal, unsigned short *count) {
    struct sock_filter *program = NULL;
    int failure = -ENOMEM;
    scmp_filter_ctx filter = seccomp_init(refusal);
    int file = memfd_create("filter", MFD_CLOEXEC);
    if (filter && file >= 0) failure = fill(filter);
    if (!failure) failure = seccomp_export_bpf(filter, file);
    struct stat status;
    if (!failure && fstat(file, &status)) failure = -errno;
    if (!failure && !(program = malloc((size_t)status.st_size))) failure = -ENOMEM;
    if (!failure && pread(file, program, (size_t)status.st_size, 0) != status.st_size) failure = -EIO;
    if (file >= 0) close(file);
    if (filter) seccomp_release(filter);
    if (failure) {
        free(program);
        errno = -failure;
        return NULL;
    }
    *count = (unsigned short)((size_t)status.st_size / sizeof *program);
    return program;
}

static int enter(uint32_t refusal, unsigned flags) {
    unsigned short count = 0;
    struct sock_filter *instructions = compile(refusal, &count);
    if (!instructions) return -1;
    const struct sock_fprog program = {.len = count, .filter = instructions};
    int result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    int failure = errno;
    free(instructions);
    errno = failure;
    return result;
}

int gh_filter_enter(int *quiet) {
    *quiet = 0;
    int listener = enter(SCMP_ACT_NOTIFY, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (listener >= 0) return listener;
    // A kernel before 5.0, or a container whose own filter has the one listener that there can be.
    *quiet = enter(SCMP_ACT_ERRNO(EPERM), 0) == 0;
    return -1;
}
