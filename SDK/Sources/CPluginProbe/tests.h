// The groups of tests. A test returns to pass, or ends the process by fail() or skip().

#ifndef TESTS_H
#define TESTS_H

#include "rig.h"

typedef struct Test {
    ProbeTest facts;
    void (*run)(const ProbeArguments *arguments);
} Test;

// Each ends with a test whose id is NULL.
extern const Test library_tests[];
extern const Test create_tests[];
extern const Test weights_tests[];
extern const Test input_tests[];
extern const Test output_tests[];
extern const Test stop_tests[];
extern const Test lifetime_tests[];
extern const Test thread_tests[];
extern const Test extension_tests[];
extern const Test stream_tests[];

// The author's word on configuration is JSON; so must a schema be.
int is_json(const char *text, uint64_t size);

#endif
