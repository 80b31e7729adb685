// How a test ends: each of these writes the verdict and ends the process, from any thread.

#ifndef VERDICT_H
#define VERDICT_H

// To be called first; `descriptor` takes the verdict.
void verdict_to(int descriptor);

__attribute__((noreturn)) void pass(const char *text);
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2))) void skip(const char *format, ...);

#endif
