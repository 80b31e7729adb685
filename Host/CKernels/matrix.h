// Products of weight matrices with activations, spread over a team of threads.

#ifndef GH_MATRIX_H
#define GH_MATRIX_H

#include "kernels.h"
#include "thread_team.h"

// A weight matrix as a path multiplies it: packed, or row by row as it was given.
typedef struct gh_weights {
    gh_matrix matrix;  // its data is not read where there are panels
    gh_packed packed;
} gh_weights;

// Row `row` of a matrix as float32, [cols].
void gh_expand_row(const gh_kernels *kernels, const gh_weights *weights, size_t row, float *out);

// Bytes of scratch, 64-byte aligned, that a thread needs to multiply matrices of at most `cols` inputs.
size_t gh_multiply_scratch(const gh_kernels *kernels, size_t cols);

// Weight rows first … first + rows - 1 with all of `x`, and their biases, on this thread; `out` is where row `first`
// begins, which is a panel's.
void gh_multiply_rows(
    const gh_kernels *kernels, const gh_weights *weights, size_t first, size_t rows, const gh_activations *x,
    gh_output out, void *scratch);

typedef struct gh_product {
    const gh_weights *weights;
    gh_output out;
} gh_product;

// This member's part of several products of the same activations. Every member calls it between two barriers.
void gh_multiply_shared(
    gh_team *team, uint32_t member, const gh_kernels *kernels, const gh_product *products, size_t count,
    const gh_activations *x, void *scratch);

// The part of `count` items that falls to one member: begin … end - 1, contiguous.
static inline void gh_share(
    size_t count, uint32_t member, uint32_t members, size_t *begin, size_t *end) {
    *begin = (size_t)((unsigned long long)count * member / members);
    *end = (size_t)((unsigned long long)count * (member + 1) / members);
}

#endif
