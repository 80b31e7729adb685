// What Swift cannot call by itself: variadic functions, macros over control messages, and calls that glibc hides
// behind _GNU_SOURCE. Each returns -1 and sets errno on failure, as the call it wraps.

#ifndef CSYSTEMPOSIX_H
#define CSYSTEMPOSIX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Sends `size` bytes, with `descriptor` attached to the first of them unless it is negative. Never raises SIGPIPE.
ssize_t gh_send(int socket, const void *data, size_t size, int descriptor);

// Receives at most `size` bytes; `*descriptor` is the one that came with them (close-on-exec), or -1.
ssize_t gh_receive(int socket, void *data, size_t size, int *descriptor);

// An anonymous file in memory, close-on-exec.
int gh_memfd(const char *name);

// Keeps an anonymous file from shrinking from now on, whoever holds it. Fails for any other file.
int gh_seal_size(int descriptor);

// A connected pair of stream sockets, close-on-exec.
int gh_socketpair(int sockets[2]);

// mremap that may move.
void *gh_remap(void *address, size_t old_size, size_t new_size);

// Starts `path` with `arguments` and `environment` (NULL-terminated arrays). In the child `socket` is descriptor 3,
// standard input reads nothing, standard output goes where standard error goes, and everything else is closed.
// Returns the process id, or -1.
pid_t gh_spawn(const char *path, char *const arguments[], char *const environment[], int socket);

// What is wrong with a shared library, as far as its headers tell.
typedef enum GHLibraryFault {
    GH_LIBRARY_GOOD = 0,
    GH_LIBRARY_UNREADABLE,  // errno says why
    GH_LIBRARY_NO_ELF,
    GH_LIBRARY_OTHER_PROCESSOR,
    GH_LIBRARY_NOT_SHARED,
    GH_LIBRARY_CUT,         // it ends before its last segment does
} GHLibraryFault;

// To be asked before dlopen, which maps what the headers promise: the process dies where the file is shorter.
// `machine` receives the library's ELF machine number, `own_machine` this program's.
GHLibraryFault gh_check_library(const char *path, int *machine, int *own_machine);

#endif
