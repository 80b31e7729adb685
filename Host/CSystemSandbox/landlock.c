// Landlock has no wrappers in glibc, and Debian's kernel headers are older than the kernels that this runs on: names
// and numbers below are those of the kernel's include/uapi/linux/landlock.h.

#define _GNU_SOURCE
#include "CSystemSandbox.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Struct that grew: the kernel takes a shorter one.
struct ruleset {
    uint64_t files;
    uint64_t network;  // from version 4
    uint64_t scoped;   // from version 6
};

struct path_rule {
    uint64_t allowed;
    int32_t descriptor;
} __attribute__((packed));

enum {
    CREATE_VERSION = 1,
    RULE_PATH_BENEATH = 1,

    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_DIR = 1 << 7,
    MAKE_REG = 1 << 8,
    ALL_OF_1 = (1 << 13) - 1,
    REFER = 1 << 13,      // from version 2; what is not handled is refused, which is what is wanted before
    TRUNCATE = 1 << 14,   // from version 3
    IOCTL_DEV = 1 << 15,  // from version 5

    BIND_AND_CONNECT_TCP = 3,
    ABSTRACT_SOCKETS_AND_SIGNALS = 3,
};

int gh_landlock_version(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    return version < 0 ? 0 : (int)version;
}

// The rights over files that this version knows.
static uint64_t known(int version) {
    return ALL_OF_1 | (version >= 2 ? REFER : 0) | (version >= 3 ? TRUNCATE : 0) | (version >= 5 ? IOCTL_DEV : 0);
}

int gh_landlock_create(int version) {
    struct ruleset rules = {
        .files = known(version),
        .network = BIND_AND_CONNECT_TCP,
        .scoped = ABSTRACT_SOCKETS_AND_SIGNALS,
    };
    size_t size = version >= 6   ? sizeof rules
                  : version >= 4 ? offsetof(struct ruleset, scoped)
                                 : offsetof(struct ruleset, network);
    return (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
}

int gh_landlock_allow(int ruleset, int version, int descriptor, int access) {
    struct stat status;
    if (fstat(descriptor, &status)) return -1;
    const uint64_t of_file = READ_FILE | WRITE_FILE | TRUNCATE;
    uint64_t allowed = READ_FILE | READ_DIR;
    if (access == GH_LANDLOCK_WRITE) {
        allowed |= WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER;
    }
    if (!S_ISDIR(status.st_mode)) allowed &= of_file;
    struct path_rule rule = {.allowed = allowed & known(version), .descriptor = descriptor};
    return (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
}

int gh_landlock_enter(int ruleset) {
    return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}
