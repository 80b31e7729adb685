// What the tests of the CPU's paths share: random numbers, random matrices, and counting what fails.

#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "gatehouse_kernels.h"

extern int failures;

// Prints a line for a condition that does not hold, and counts it.
#define EXPECT(condition, ...)                  \
    do {                                        \
        if (!(condition)) {                     \
            failures++;                         \
            printf("%s:%d: ", __FILE__, __LINE__); \
            printf(__VA_ARGS__);                \
            printf(": not %s\n", #condition);   \
        }                                       \
    } while (0)

extern const char *const path_names[];
extern const uint32_t all_types[];
extern const size_t all_types_count;

// A generator's state (SplitMix64): the same numbers on every machine.
typedef struct rng {
    uint64_t state;
} rng;

uint64_t rng_next(rng *r);
float rng_float(rng *r, float low, float high);

// [count], to be freed.
float *rng_floats(rng *r, size_t count, float low, float high);

// Random blocks of a type whose elements lie within about ±0.1; `data` is to be freed.
gh_matrix rng_matrix(rng *r, uint32_t type, uint32_t rows, uint32_t cols);

// Of memory that the tests cannot go on without.
void *must_allocate(size_t bytes);

// Whole steps of a small decoder on one path.
void check_steps(gh_cpu_path path);

#endif
