#define _GNU_SOURCE
#include "CSystemSandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

int gh_refusal_next(int listener, char *name, size_t capacity, uint64_t *id, int *answer) {
    for (;;) {
        // The kernel hangs up when the last filtered process is gone; receiving alone would wait for ever.
        struct pollfd waiting = {.fd = listener, .events = POLLIN};
        if (poll(&waiting, 1, -1) < 0 && errno != EINTR) return 0;
        if (waiting.revents & (POLLHUP | POLLERR | POLLNVAL)) return 0;
        if (!(waiting.revents & POLLIN)) continue;
        struct seccomp_notif refused = {0};
        int failure = ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &refused) ? errno : 0;
        // The caller was killed, or a signal came to it or to this thread.
        if (failure == ENOENT || failure == EINTR) continue;
        if (failure) return 0;
        char *known = seccomp_syscall_resolve_num_arch(refused.data.arch, refused.data.nr);
        if (known) {
            snprintf(name, capacity, "%s", known);
        } else {
            snprintf(name, capacity, "system call %d", refused.data.nr);
        }
        // A call newer than the list: libraries that try it know how to do without.
        *id = refused.id;
        *answer = known ? EPERM : ENOSYS;
        free(known);
        return 1;
    }
}

int gh_refusal_answer(int listener, uint64_t id, int answer) {
    struct seccomp_notif_resp response = {.id = id, .error = -answer};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) && errno != ENOENT ? -1 : 0;
}
