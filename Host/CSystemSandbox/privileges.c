#define _GNU_SOURCE
#include "CSystemSandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert((int)GH_LIMIT_CORE == (int)RLIMIT_CORE, "as in sys/resource.h");
_Static_assert((int)GH_LIMIT_DATA == (int)RLIMIT_DATA, "as in sys/resource.h");
_Static_assert((int)GH_LIMIT_FILE == (int)RLIMIT_FSIZE, "as in sys/resource.h");
_Static_assert((int)GH_LIMIT_FILES == (int)RLIMIT_NOFILE, "as in sys/resource.h");

// Takes the ways by which capabilities come back: user 0, execve, the ambient set. EPERM is for a process that has no
// capability to lose.
static int close_the_ways_back(void) {
    const unsigned long locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, locked, 0, 0, 0) && errno != EPERM) return -1;
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EPERM) return -1;
    }
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL ? -1 : 0;
}

static int empty_the_sets(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[2] = {{0}, {0}};
    return (int)syscall(SYS_capset, &header, none);
}

int gh_drop_capabilities(void) {
    return close_the_ways_back() || empty_the_sets() ? -1 : 0;
}

int gh_become(uid_t user, gid_t group) {
    // The securebits need a capability, and keep the kernel from emptying the sets with the change of user.
    if (close_the_ways_back()) return -1;
    if (setgroups(0, NULL) || setresgid(group, group, group) || setresuid(user, user, user)) return -1;
    if (empty_the_sets()) return -1;
    if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0) {
        errno = ENOTRECOVERABLE;
        return -1;
    }
    return 0;
}

int gh_harden(void) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int gh_limit(int resource, uint64_t value) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit)) return -1;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > value) limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &limit);
}
