#define _GNU_SOURCE
#include "CSystemPosix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int told = -1;

static void tell(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    // A pipe that is full holds 65,536 signals that nobody has taken: one more says nothing new.
    (void)!write(told, &byte, 1);
    errno = saved;
}

int gh_signals_open(const int *numbers, int count) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    told = ends[1];
    struct sigaction action = {.sa_handler = tell, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < count; i++) sigaction(numbers[i], &action, NULL);
    return ends[0];
}
