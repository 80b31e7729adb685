// A plugin that tries what a sandbox must stop. The input is the attempt's name, a space, and its argument; the output is
// a number: 0 where it was let, else errno, or what the comment on the attempt says.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

// errno of the constructor's attempt.
static long constructed = -1;

__attribute__((constructor)) static void construct(void) {
    constructed = socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static long of(long result) {
    return result < 0 ? errno : 0;
}

static long in_constructor(const char *argument) {
    (void)argument;
    return constructed;
}

static long inet(const char *argument) {
    (void)argument;
    return of(socket(AF_INET, SOCK_STREAM, 0));
}

static long local(const char *argument) {
    (void)argument;
    return of(socket(AF_UNIX, SOCK_STREAM, 0));
}

// With the one socket there is.
static long connected(const char *argument) {
    (void)argument;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
    return of(connect(3, (struct sockaddr *)&address, sizeof address));
}

static long bound(const char *argument) {
    (void)argument;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    return of(bind(3, (struct sockaddr *)&address, sizeof(sa_family_t)));
}

static long forked(const char *argument) {
    (void)argument;
    pid_t child = fork();
    if (child == 0) _exit(0);
    return of(child);
}

static long vforked(const char *argument) {
    (void)argument;
    pid_t child = vfork();
    if (child == 0) _exit(0);
    return of(child);
}

static long cloned(const char *argument) {
    (void)argument;
    long child = syscall(SYS_clone, (long)SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    return of(child);
}

// A thread by its flags, in another network.
static long cloned_apart(const char *argument) {
    (void)argument;
    return of(syscall(SYS_clone, (long)(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWNET), 0, 0, 0, 0));
}

static long cloned3(const char *argument) {
    (void)argument;
    uint64_t arguments[8] = {0, 0, 0, 0, SIGCHLD};
    long child = syscall(SYS_clone3, arguments, sizeof arguments);
    if (child == 0) _exit(0);
    return of(child);
}

static long spawned(const char *argument) {
    (void)argument;
    char *const arguments[] = {"true", NULL};
    pid_t child;
    return posix_spawn(&child, "/bin/true", NULL, NULL, arguments, NULL);
}

static long executed(const char *argument) {
    (void)argument;
    char *const arguments[] = {"true", NULL};
    return of(execve("/bin/true", arguments, arguments + 1));
}

static long executed_at(const char *argument) {
    (void)argument;
    char *const arguments[] = {"true", NULL};
    return of(syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, arguments + 1, 0));
}

static long traced(const char *argument) {
    (void)argument;
    return of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static long read_parent(const char *argument) {
    (void)argument;
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    return of(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}

static long kill_parent(const char *argument) {
    (void)argument;
    return of(kill(getppid(), SIGCONT));
}

static long become_root(const char *argument) {
    (void)argument;
    return of(setuid(0));
}

static long mounted(const char *argument) {
    (void)argument;
    return of(mount("none", "/mnt", "tmpfs", 0, NULL));
}

static long typed(const char *argument) {
    (void)argument;
    return of(ioctl(2, TIOCSTI, "x"));
}

static long made_dumpable(const char *argument) {
    (void)argument;
    return of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static long opened(const char *path) {
    return of(open(path, O_RDONLY));
}

static long created(const char *path) {
    return of(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static long renamed(const char *path) {
    char to[4096];
    snprintf(to, sizeof to, "%s.renamed", path);
    return of(rename(path, to));
}

static long changed_mode(const char *path) {
    return of(chmod(path, 0777));
}

static long listed(const char *path) {
    DIR *folder = opendir(path);
    return folder ? 0 : errno;
}

// Any call by its number, without arguments.
static long called(const char *number) {
    return of(syscall(strtol(number, NULL, 10), 0, 0, 0, 0, 0, 0));
}

// MiB that could be had, of at most the argument's.
static long memory(const char *mebibytes) {
    long most = strtol(mebibytes, NULL, 10), had = 0;
    for (; had < most; had++) {
        char *block = malloc(1 << 20);
        if (!block) return had;
        memset(block, 1, 1 << 20);
        __asm__ volatile("" : : "r"(block) : "memory");
    }
    return had;
}

// Descriptors that could be opened, of at most 4096.
static long files(const char *argument) {
    (void)argument;
    long had = 0;
    while (had < 4096 && open("/dev/null", O_RDONLY) >= 0) had++;
    return had;
}

static long large_file(const char *path) {
    int file = open(path, O_RDWR | O_CREAT, 0600);
    return file < 0 ? errno : of(ftruncate(file, (off_t)1 << 33));
}

// Bytes of a core that would be written, with 1 added if the process is dumpable.
static long core(const char *argument) {
    (void)argument;
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    return (long)limit.rlim_max + prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static long raise_limit(const char *argument) {
    (void)argument;
    struct rlimit limit = {1 << 16, 1 << 16};
    return of(setrlimit(RLIMIT_NOFILE, &limit));
}

static long user(const char *argument) {
    (void)argument;
    return getuid();
}

// Capabilities in any set that gives rights, counted.
static long capabilities(const char *argument) {
    (void)argument;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{0}, {0}};
    if (syscall(SYS_capget, &header, sets)) return -1;
    long count = 0;
    for (int i = 0; i < 2; i++) {
        count += __builtin_popcount(sets[i].effective | sets[i].permitted | sets[i].inheritable);
    }
    return count;
}

// Descriptors from which refused calls could be let through, or any socket but the one to the host.
static long listeners(const char *argument) {
    (void)argument;
    long count = 0;
    for (int i = 4; i < 1024; i++) {
        char link[64], target[256] = {0};
        snprintf(link, sizeof link, "/proc/self/fd/%d", i);
        if (readlink(link, target, sizeof target - 1) < 0) continue;
        if (strstr(target, "seccomp") || !strncmp(target, "socket:", 7)) count++;
    }
    return count;
}

// Whether the variable is set.
static long variable(const char *name) {
    return getenv(name) != NULL;
}

static void *add_one(void *count) {
    __atomic_add_fetch((long *)count, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

// Threads that ran, of 4.
static long threads(const char *argument) {
    (void)argument;
    pthread_t all[4];
    long count = 0;
    for (int i = 0; i < 4; i++) {
        int failure = pthread_create(&all[i], NULL, add_one, &count);
        if (failure) return -failure;
    }
    for (int i = 0; i < 4; i++) pthread_join(all[i], NULL);
    return count;
}

// The sum of 1 to 1000, on 4 threads of OpenMP.
static long openmp(const char *argument) {
    (void)argument;
    long sum = 0;
#pragma omp parallel for num_threads(4) reduction(+ : sum)
    for (int i = 1; i <= 1000; i++) sum += i;
    return sum;
}

static long aborted(const char *argument) {
    (void)argument;
    abort();
}

#define ATTEMPT(function) {#function, function}
static const struct {
    const char *name;
    long (*function)(const char *argument);
} attempts[] = {
    ATTEMPT(in_constructor), ATTEMPT(inet),        ATTEMPT(local),        ATTEMPT(connected),   ATTEMPT(bound),
    ATTEMPT(forked),         ATTEMPT(vforked),     ATTEMPT(cloned),       ATTEMPT(cloned_apart), ATTEMPT(cloned3),
    ATTEMPT(spawned),        ATTEMPT(executed),    ATTEMPT(executed_at),  ATTEMPT(traced),      ATTEMPT(read_parent),
    ATTEMPT(kill_parent),    ATTEMPT(become_root), ATTEMPT(mounted),      ATTEMPT(typed),       ATTEMPT(made_dumpable),
    ATTEMPT(opened),         ATTEMPT(created),     ATTEMPT(renamed),      ATTEMPT(changed_mode), ATTEMPT(listed),
    ATTEMPT(called),         ATTEMPT(memory),      ATTEMPT(files),        ATTEMPT(large_file),  ATTEMPT(core),
    ATTEMPT(raise_limit),    ATTEMPT(user),        ATTEMPT(capabilities), ATTEMPT(listeners),   ATTEMPT(variable),
    ATTEMPT(threads),        ATTEMPT(openmp),      ATTEMPT(aborted),
};

static GatehouseStatus attempt(
    const Fixture *fixture, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    (void)job;
    char text[4096] = {0}, answer[32];
    uint64_t size = input->parts[0].size;
    memcpy(text, input->parts[0].data, size < sizeof text ? size : sizeof text - 1);
    char *space = strchr(text, ' ');
    if (space) *space = 0;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        if (strcmp(attempts[i].name, text)) continue;
        long result = attempts[i].function(space ? space + 1 : "");
        int length = snprintf(answer, sizeof answer, "%ld", result);
        return fixture_say(sink, 0, answer, (uint64_t)length);
    }
    fixture_fail(fixture->host, "no such attempt");
    return GATEHOUSE_BAD_INPUT;
}

const FixtureKind fixture_outputs[] = {{.id = "sandbox", .outputs = GATEHOUSE_OUTPUT_TEXT, .encode = attempt}, {0}};
const FixtureKind fixture_violations[] = {{0}};
const FixtureKind fixture_extensions[] = {{0}};
const FixtureKind fixture_streams[] = {{0}};
