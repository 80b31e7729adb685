// Holds every path of the CPU that this processor can run to float64, to itself and to the portable path. C alone, so
// that it can be compiled for another processor and run in an emulator.

#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 37, MOST_TOKENS = 17, QUANTUM = 32 };

// One product: ROWS weight rows with MOST_TOKENS tokens.
typedef struct dot_case {
    gh_cpu_path path;
    gh_matrix weights;
    float *values;       // the weights as float32
    float *activations;  // [MOST_TOKENS, cols]
    int precise;
} dot_case;

// [tokens, ROWS], to be freed.
static float *dot(const dot_case *c, gh_cpu_path path, size_t first, uint32_t tokens) {
    float *output = must_allocate(tokens * ROWS * sizeof *output);
    const float *x = c->activations + first * c->weights.cols;
    const gh_status status = gh_dot(path, &c->weights, c->precise, x, tokens, output);
    EXPECT(status == GH_OK, "%s", path_names[path]);
    return output;
}

// The activations that a path multiplies: its own multiples of each block's scale where it quantises them.
static float *seen_activations(const dot_case *c) {
    const uint32_t count = MOST_TOKENS * c->weights.cols;
    float *seen = must_allocate(count * sizeof *seen);
    memcpy(seen, c->activations, count * sizeof *seen);
    if (c->precise || gh_type_block_size(c->weights.type) == 1) {
        return seen;
    }
    int16_t *values = must_allocate(count * sizeof *values);
    float *scales = must_allocate(count / QUANTUM * sizeof *scales);
    EXPECT(gh_quantize_activations(c->path, seen, count, values, scales) == GH_OK, "%s", path_names[c->path]);
    for (size_t i = 0; i < count; i++) {
        seen[i] = (float)values[i] * scales[i / QUANTUM];
    }
    free(values);
    free(scales);
    return seen;
}

static void check_dot(const dot_case *c) {
    const size_t cols = c->weights.cols;
    const char *path = path_names[c->path], *type = gh_type_name(c->weights.type);
    float *seen = seen_activations(c);
    float *whole = dot(c, c->path, 0, MOST_TOKENS);
    float *portable = dot(c, GH_CPU_PORTABLE, 0, MOST_TOKENS);
    for (size_t i = 0; i < MOST_TOKENS * ROWS; i++) {
        const float *w = c->values + i % ROWS * cols, *x = seen + i / ROWS * cols;
        double exact = 0, size = 0;
        for (size_t k = 0; k < cols; k++) {
            exact += (double)w[k] * x[k];
            size += fabs((double)w[k] * x[k]);
        }
        const double error = fabs(whole[i] - exact), apart = fabs((double)whole[i] - portable[i]);
        EXPECT(error <= 1e-6 * size, "%s, %s, %zu columns, error %g of %g", path, type, cols, error, size);
        EXPECT(apart <= 2e-6 * size, "%s, %s, %zu columns, apart by %g of %g", path, type, cols, apart, size);
    }
    // Each token alone, and the last ones in every number: whatever tiles they fall into, their bits stay.
    for (uint32_t n = 0; n < 2 * MOST_TOKENS - 1; n++) {
        const uint32_t tokens = n < MOST_TOKENS ? 1 : n - MOST_TOKENS + 1;
        const size_t first = n < MOST_TOKENS ? n : MOST_TOKENS - tokens;
        float *part = dot(c, c->path, first, tokens);
        const bool is_same = memcmp(part, whole + first * ROWS, tokens * ROWS * sizeof *part) == 0;
        EXPECT(is_same, "%s, %s, %zu columns, %u tokens from %zu on", path, type, cols, tokens, first);
        free(part);
    }
    free(seen);
    free(whole);
    free(portable);
}

// A NaN or an infinity of one token stays its own.
static void check_hostile(const dot_case *c) {
    static const float hostile[] = {NAN, INFINITY, -INFINITY, 3e38f, 1e-45f};
    float *healthy = dot(c, c->path, 1, MOST_TOKENS - 1);
    const float first = c->activations[0];
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        c->activations[0] = hostile[i];
        float *both = dot(c, c->path, 0, MOST_TOKENS);
        const bool is_same = memcmp(both + ROWS, healthy, (MOST_TOKENS - 1) * ROWS * sizeof *both) == 0;
        EXPECT(is_same, "%s, %s beside %g", path_names[c->path], gh_type_name(c->weights.type), hostile[i]);
        free(both);
    }
    c->activations[0] = first;
    free(healthy);
}

static void check_type(gh_cpu_path path, uint32_t type) {
    static const uint32_t plain[] = {1, 7, 17, 80, 1023}, blocks[] = {32, 96, 288, 576}, super[] = {256, 768};
    const uint32_t block = gh_type_block_size(type);
    const uint32_t *cols = block == 1 ? plain : block == 32 ? blocks : super;
    const size_t count = block == 1 ? 5 : block == 32 ? 4 : 2;
    rng r = {type};
    for (size_t i = 0; i < count; i++) {
        dot_case c = {.path = path, .weights = rng_matrix(&r, type, ROWS, cols[i])};
        c.activations = rng_floats(&r, MOST_TOKENS * cols[i], -1, 1);
        c.values = must_allocate(ROWS * cols[i] * sizeof *c.values);
        gh_dequantize_row(type, c.weights.data, c.values, ROWS * cols[i]);
        for (c.precise = 0; c.precise < 2; c.precise++) {
            check_dot(&c);
            if (i == 0) {
                check_hostile(&c);
            }
        }
        free((void *)c.weights.data);
        free(c.values);
        free(c.activations);
    }
}

// Every product at its limit: the largest weights against activations of the largest magnitude.
static void check_largest(gh_cpu_path path) {
    uint8_t block[34] = {0, 0x3C};  // a scale of 1
    memset(block + 2, 0x80, 32);    // -128
    const gh_matrix weights = {.data = block, .type = GH_TYPE_Q8_0, .rows = 1, .cols = QUANTUM};
    for (int sign = -1; sign <= 1; sign += 2) {
        float activations[QUANTUM], found = 0;
        for (size_t i = 0; i < QUANTUM; i++) {
            activations[i] = (float)(sign * GH_QUANTUM_LIMIT);
        }
        EXPECT(gh_dot(path, &weights, 0, activations, 1, &found) == GH_OK, "%s", path_names[path]);
        const float expected = -128.0f * QUANTUM * (float)(sign * GH_QUANTUM_LIMIT);
        EXPECT(found == expected, "%s: %g and %g", path_names[path], found, expected);
    }
}

static void check_quantised(gh_cpu_path path) {
    enum { COUNT = 20 * QUANTUM };
    rng r = {3};
    float *x = rng_floats(&r, COUNT, -50, 50);
    memset(x, 0, QUANTUM * sizeof *x);
    int16_t values[COUNT];
    float scales[COUNT / QUANTUM];
    EXPECT(gh_quantize_activations(path, x, COUNT, values, scales) == GH_OK, "%s", path_names[path]);
    int largest[COUNT / QUANTUM] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        const int magnitude = abs(values[i]);
        largest[i / QUANTUM] = magnitude > largest[i / QUANTUM] ? magnitude : largest[i / QUANTUM];
        const float error = fabsf((float)values[i] * scales[i / QUANTUM] - x[i]);
        EXPECT(error <= 0.5001f * scales[i / QUANTUM] + 1e-6f * fabsf(x[i]), "%s, value %zu", path_names[path], i);
    }
    for (size_t b = 0; b < COUNT / QUANTUM; b++) {
        EXPECT(largest[b] == (b == 0 ? 0 : GH_QUANTUM_LIMIT), "%s, block %zu", path_names[path], b);
    }
    free(x);
}

int main(void) {
    for (gh_cpu_path path = GH_CPU_PORTABLE; path <= GH_CPU_NEON; path++) {
        if (!gh_cpu_path_available(path)) {
            continue;
        }
        const int before = failures;
        for (size_t t = 0; t < all_types_count; t++) {
            check_type(path, all_types[t]);
        }
        check_largest(path);
        check_quantised(path);
        check_steps(path);
        printf("%s: %s\n", path_names[path], failures == before ? "passed" : "FAILED");
    }
    return failures > 0;
}
