// Why a call failed: a status and one sentence for the person who can mend it. Passed down from plugin.c,
// which hands the sentence to the host once.

#ifndef SCREEN_TEXT_FAILURE_H
#define SCREEN_TEXT_FAILURE_H

#include <gatehouse.h>

typedef struct Failure {
    GatehouseStatus status;
    char reason[512];  // UTF-8, cut at a character's edge where it is too long
} Failure;

// Writes both fields and returns `status`, so that a caller can `return fail(...)`.
GatehouseStatus fail(Failure *failure, GatehouseStatus status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
