// The processes that tests run in.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "plugin_probe.h"

extern char **environ;

int32_t probe_spawn(const char *path, char *const *arguments, int32_t is_verbose, int32_t *verdict) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return -errno;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], PROBE_VERDICT);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!is_verbose) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    // A crash is a verdict, not a case for Swift's backtracer.
    setenv("SWIFT_BACKTRACE", "enable=no", 1);
    pid_t process = 0;
    int failure = posix_spawn(&process, path, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failure) {
        close(ends[0]);
        return -failure;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *verdict = ends[0];
    return process;
}

void probe_begin(void) {
    const struct rlimit none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &none);
    // Not for what the plugin may start.
    fcntl(PROBE_VERDICT, F_SETFD, FD_CLOEXEC);
}
