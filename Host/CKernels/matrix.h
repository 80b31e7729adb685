// Products of weight matrices with activations, spread over a team of threads.

#ifndef GH_MATRIX_H
#define GH_MATRIX_H

#include "kernels.h"
#include "thread_team.h"

// Bytes from one weight row to the next.
uint64_t gh_row_stride(const gh_matrix *matrix);

// Row `row` of a matrix as float32, [cols].
void gh_expand_row(const gh_kernels *kernels, const gh_matrix *matrix, size_t row, float *out);

// Floats of scratch that a thread needs to multiply matrices of at most `cols` inputs.
size_t gh_multiply_scratch(size_t cols);

// Weight rows first … first + rows - 1 with all of `x`, and their biases, on this thread; `out` is where row `first`
// begins. `quantized` allows the integer kernels.
void gh_multiply_rows(
    const gh_kernels *kernels, bool quantized, const gh_matrix *matrix, size_t first, size_t rows,
    const gh_activations *x, gh_output out, float *scratch);

typedef struct gh_product {
    const gh_matrix *matrix;
    gh_output out;
} gh_product;

// This member's part of several products of the same activations. Every member calls it between two barriers.
void gh_multiply_shared(
    gh_team *team, uint32_t member, const gh_kernels *kernels, bool quantized, const gh_product *products,
    size_t count, const gh_activations *x, float *scratch);

// The part of `count` items that falls to one member: begin … end - 1, contiguous.
static inline void gh_share(
    size_t count, uint32_t member, uint32_t members, size_t *begin, size_t *end) {
    *begin = (size_t)((unsigned long long)count * member / members);
    *end = (size_t)((unsigned long long)count * (member + 1) / members);
}

#endif
