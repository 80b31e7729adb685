// The set of kernels that one path of the CPU backend runs on: the innermost loops, on one thread each.
//
// Every result is reduced in one fixed order that depends on the length alone, so a kernel may be handed any
// number of rows or tokens at a time without changing a bit.

#ifndef GH_KERNELS_H
#define GH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse_kernels.h"

// Elements that share a scale in quantised activations; the block of the formats with integer kernels.
enum { GH_QUANTUM = 32 };

// Activation rows quantised for the integer kernels. [rows, cols] and twice [rows, cols / GH_QUANTUM].
typedef struct gh_quantized {
    int16_t *values;  // within ±GH_QUANTUM_LIMIT
    float *scales;
    float *eighths;  // scale · Σ values / 8: what a minimum of 1 adds to each of eight lanes
} gh_quantized;

// Activations [tokens, cols], in both forms; `quantized.values` is NULL where no weights read it.
typedef struct gh_activations {
    const float *rows;
    gh_quantized quantized;
    size_t tokens;
    size_t cols;
} gh_activations;

// Where a panel of weight rows puts its products: output[token · stride + row], added or stored.
typedef struct gh_output {
    float *data;
    size_t stride;
    bool add;
} gh_output;

// Products of `rows` packed weight rows with all tokens of `x`.
typedef void gh_integer_panel(const uint8_t *weights, size_t rows, const gh_activations *x, gh_output out);

// The same for float32 weights, [rows, cols].
typedef void gh_float_panel(const float *weights, size_t rows, const gh_activations *x, gh_output out);

// Running softmax of one query over pages, rescaled at each page border.
typedef struct gh_softmax {
    float maximum;  // -INFINITY before the first page
    float sum;
    float *output;  // [gh_padded(head_dim)], unnormalised
} gh_softmax;

typedef struct gh_kernels {
    const char *name;

    // NULL where the path has none: the weights are then dequantised and go through float_panel.
    gh_integer_panel *q4_0, *q4_1, *q8_0;
    void (*quantize)(const float *row, size_t cols, int16_t *values, float *scales, float *eighths);

    gh_float_panel *float_panel;
    void (*floats_of_halves)(const uint8_t *halves, size_t count, float *floats);
    void (*halves_of_floats)(const float *floats, size_t count, uint16_t *halves);

    // out = x / sqrt(mean(x²) + ε) · weight.
    void (*rms_norm)(const float *x, const float *weight, size_t count, float epsilon, float *out);

    // gate = silu(gate) · up, where silu(x) = x / (1 + e^-x).
    void (*swiglu)(float *gate, const float *up, size_t count);

    // One query against the first `valid` positions of a page, valid in 1 … GH_PAGE_TOKENS.
    // keys: [head_dim, GH_PAGE_TOKENS]; values: [GH_PAGE_TOKENS, gh_padded(head_dim)]; bias: [GH_PAGE_TOKENS], added
    // to the scores, or NULL.
    void (*attend_page)(
        const float *query, size_t head_dim, const float *keys, const float *values, size_t valid,
        const float *bias, gh_softmax *state);

    // out = state->output / state->sum.
    void (*attend_finish)(const gh_softmax *state, size_t head_dim, float *out);
} gh_kernels;

extern const gh_kernels gh_kernels_portable;
#if defined(__x86_64__)
extern const gh_kernels gh_kernels_avx2;

// Of dot_avx2.c.
gh_integer_panel gh_panel_q4_0_avx2, gh_panel_q4_1_avx2, gh_panel_q8_0_avx2;
void gh_quantize_avx2(const float *row, size_t cols, int16_t *values, float *scales, float *eighths);
#endif

// The kernels of a path, NULL where the processor cannot run them.
const gh_kernels *gh_kernels_of(gh_cpu_path path);

// The integer panel for a type, or NULL.
gh_integer_panel *gh_integer_panel_of(const gh_kernels *kernels, uint32_t type);

// Up to a multiple of the eight lanes.
static inline size_t gh_padded(size_t count) {
    return (count + 7) & ~(size_t)7;
}

#endif
