// The set of kernels that one path of the CPU backend runs on: the innermost loops, on one thread each.
//
// Every result is reduced in one fixed order that depends on the length alone, so a kernel may be handed any
// number of rows or tokens at a time without changing a bit.

#ifndef GH_KERNELS_H
#define GH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packed_weights.h"

// Activation rows quantised for the integer kernels. [rows, cols], the others
// [rows, cols / GH_QUANTUM].
typedef struct gh_quantized {
    int16_t *values;  // within ±GH_QUANTUM_LIMIT, a block in the order of gh_pair_element
    float *scales;
    float *sums;      // scale · Σ values: what a minimum of 1 adds
    int32_t *totals;  // Σ values
} gh_quantized;

// From row `row` on.
static inline gh_quantized gh_quantized_row(const gh_quantized *rows, size_t row, size_t cols) {
    const size_t blocks = row * (cols / GH_QUANTUM);
    return (gh_quantized){
        rows->values + row * cols, rows->scales + blocks, rows->sums + blocks, rows->totals + blocks};
}

// Activations [tokens, cols], in both forms; `quantized.values` is NULL where no weights read it.
typedef struct gh_activations {
    const float *rows;
    gh_quantized quantized;
    size_t tokens;
    size_t cols;
} gh_activations;

// Where some weight rows put their products: output[token · stride + row], added or stored.
typedef struct gh_output {
    float *data;
    size_t stride;
    bool add;
} gh_output;

// One head's part of a page, as kv_pages.h lays it out.
typedef struct gh_page {
    const void *keys;           // [head_dim, GH_PAGE_TOKENS]
    const void *values;         // [GH_PAGE_TOKENS, gh_padded(head_dim)]
    const float *key_scales;    // [GH_PAGE_TOKENS], what multiplies keys; NULL: nothing
    const float *value_scales;  // the same for values
    gh_kv_type type;            // of keys and values
} gh_page;

// A query on its way over pages: a running softmax, rescaled at each page border.
typedef struct gh_query {
    const float *vector;  // [head_dim]
    size_t valid;         // leading positions of the page that it sees: 1 … GH_PAGE_TOKENS
    const float *bias;    // [GH_PAGE_TOKENS], added to its scores; NULL: nothing
    float maximum;        // -INFINITY before the first page
    float sum;
    float *output;        // [gh_padded(head_dim)], unnormalised; zero before the first page
} gh_query;

typedef struct gh_kernels {
    const char *name;

    // Products of `rows` rows from panel `panel` on with all tokens of `x`. `scratch` is `packed_scratch` bytes,
    // 64-byte aligned.
    void (*multiply_packed)(
        const gh_packed *weights, size_t panel, size_t rows, const gh_activations *x, gh_output out, void *scratch);
    size_t packed_scratch;
    void (*quantize)(const float *row, size_t cols, gh_quantized out);

    // The same for F32, F16 or BF16, rows `stride` bytes apart.
    void (*float_panel)(
        uint32_t type, const void *weights, size_t stride, size_t rows, const gh_activations *x, gh_output out);
    // F16 or BF16 as float32.
    void (*expand_halves)(uint32_t type, const uint8_t *row, size_t count, float *floats);
    void (*halves_of_floats)(const float *floats, size_t count, uint16_t *halves);

    // out = x / sqrt(mean(x²) + ε) · weight.
    void (*rms_norm)(const float *x, const float *weight, size_t count, float epsilon, float *out);

    // gate = silu(gate) · up, where silu(x) = x / (1 + e^-x).
    void (*swiglu)(float *gate, const float *up, size_t count);

    // Takes queries over a page. `valid` does not fall from one query to the next.
    void (*attend_page)(const gh_page *page, size_t head_dim, gh_query *queries, size_t count);

    // Elements of a page as float32, without scales. `count` is a multiple of 16.
    void (*expand_elements)(gh_kv_type type, const void *elements, size_t count, float *floats);

    // out = query->output / query->sum.
    void (*attend_finish)(const gh_query *query, size_t head_dim, float *out);
} gh_kernels;

extern const gh_kernels gh_kernels_portable;
#if defined(__x86_64__)
extern const gh_kernels gh_kernels_avx2, gh_kernels_avx512;
#elif defined(__aarch64__)
extern const gh_kernels gh_kernels_neon;
#endif

// The kernels of a path, NULL where the processor cannot run them.
const gh_kernels *gh_kernels_of(gh_cpu_path path);

// Up to a multiple of the sixteen lanes.
static inline size_t gh_padded(size_t count) {
    return (count + 15) & ~(size_t)15;
}

#endif
