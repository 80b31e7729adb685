// What a worker needs of the kernel to give up rights, and what the host needs to hear of what was refused.
//
// Everything but gh_refusal_* is called by the worker while it has one thread: capabilities, Landlock and the filter
// belong to a thread, and threads made later inherit them. Each returns -1 and sets errno on failure.

#ifndef CSYSTEMSANDBOX_H
#define CSYSTEMSANDBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// ------------------------------------------------------------------------------------------------ privileges.c

// Becomes another user for good: no supplementary groups, no way back, no capabilities in any set.
int gh_become(uid_t user, gid_t group);

// Empties every capability set, and lets nothing fill them again.
int gh_drop_capabilities(void);

// No privileges by execve; not to be traced or read by other processes of the same user.
int gh_harden(void);

// Sets soft and hard limit of `resource` (RLIMIT_…), but never above the hard limit that there is.
int gh_limit(int resource, uint64_t value);

enum {
    GH_LIMIT_CORE = 4,    // RLIMIT_CORE, which Swift does not import as a number
    GH_LIMIT_DATA = 2,    // RLIMIT_DATA
    GH_LIMIT_FILE = 1,    // RLIMIT_FSIZE
    GH_LIMIT_FILES = 7,   // RLIMIT_NOFILE
};

// ----------------------------------------------------------------------------------------------------- paths.c

// A descriptor that stands for a file or folder without opening it (O_PATH).
int gh_open_path(const char *path);

// The same for a regular file; fails for a link.
int gh_open_plain_file(const char *path);

// Changes the owner of a folder; of anything else it leaves it.
int gh_give_folder(int descriptor, uid_t user, gid_t group);

// Calls `each` with the path of every library that is loaded.
void gh_loaded_libraries(void (*each)(void *context, const char *path), void *context);

// -------------------------------------------------------------------------------------------------- landlock.c

// The version of Landlock that the kernel has; 0 where it has none or it is switched off.
int gh_landlock_version(void);

// A ruleset that refuses every access to files, TCP, and signals and abstract sockets across its border, as far as
// the kernel's Landlock knows them. A descriptor.
int gh_landlock_create(int version);

enum {
    GH_LANDLOCK_READ,   // read a file; list and read everything beneath a folder
    GH_LANDLOCK_WRITE,  // also write, make, rename and remove beneath it
};

// Allows an access to what `descriptor` stands for (an O_PATH will do).
int gh_landlock_allow(int ruleset, int version, int descriptor, int access);

// Puts the rules in force for this thread and those it starts.
int gh_landlock_enter(int ruleset);

// ---------------------------------------------------------------------------------------------------- filter.c

// Puts the system call filter in force. Returns a descriptor on which refused calls wait for gh_refusal_next, to
// be given to another process and closed; or -1 with `*quiet` set, where this kernel cannot tell of refusals and
// they simply fail; or -1 with `*quiet` clear, where nothing is in force.
int gh_filter_enter(int *quiet);

// -------------------------------------------------------------------------------------------------- refusals.c

// Waits for the next refused call on a descriptor of gh_filter_enter, in any process but the filtered one. Writes
// the call's name, NUL-terminated, and lets it fail in its caller. 0 at the end: no filtered process is left, or
// the descriptor is something else.
int gh_refusal_next(int listener, char *name, size_t capacity, uint64_t *id, int *answer);

// Lets call `id` fail with errno `answer`, both from gh_refusal_next. A caller that is gone is no failure.
int gh_refusal_answer(int listener, uint64_t id, int answer);

#endif
