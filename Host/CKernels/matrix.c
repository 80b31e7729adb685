#include "floating_point.h"

#include "matrix.h"

enum {
    EXPANDED_FLOATS = 4096,  // weights dequantised at a time: 16 KB, half of a first-level cache
    DYNAMIC_ROWS = 32,       // weight rows that a thread takes at once in a prefill
    STATIC_TOKENS = 8,       // up to here a pass is bound by memory, and a fixed split reads it best
};

static uint64_t row_bytes(const gh_matrix *matrix) {
    return (uint64_t)matrix->cols / gh_type_block_size(matrix->type) * gh_type_block_bytes(matrix->type);
}

uint64_t gh_row_stride(const gh_matrix *matrix) {
    return matrix->stride > 0 ? matrix->stride : row_bytes(matrix);
}

static const uint8_t *row_address(const gh_matrix *matrix, size_t row) {
    return (const uint8_t *)matrix->data + row * gh_row_stride(matrix);
}

void gh_expand_row(const gh_kernels *kernels, const gh_matrix *matrix, size_t row, float *out) {
    const uint8_t *source = row_address(matrix, row);
    if (matrix->type == GH_TYPE_F16) {
        kernels->floats_of_halves(source, matrix->cols, out);
    } else {
        gh_dequantize_row(matrix->type, source, out, matrix->cols);
    }
}

size_t gh_multiply_scratch(size_t cols) {
    return cols > EXPANDED_FLOATS ? cols : EXPANDED_FLOATS;
}

static void add_bias(const float *bias, size_t rows, size_t tokens, gh_output out) {
    for (size_t t = 0; t < tokens; t++) {
        for (size_t r = 0; r < rows; r++) {
            out.data[t * out.stride + r] += bias[r];
        }
    }
}

// Without biases.
static void multiply_panel(
    const gh_kernels *kernels, bool quantized, const gh_matrix *matrix, size_t first, size_t rows,
    const gh_activations *x, gh_output out, float *scratch) {
    const bool has_gaps = gh_row_stride(matrix) != row_bytes(matrix);
    gh_integer_panel *integer_panel = quantized ? gh_integer_panel_of(kernels, matrix->type) : NULL;
    if (integer_panel) {
        // The panels read rows that follow each other.
        const size_t run = has_gaps ? 1 : rows;
        for (size_t r = 0; r < rows; r += run) {
            const gh_output place = {out.data + r, out.stride, out.add};
            integer_panel(row_address(matrix, first + r), run, x, place);
        }
        return;
    }
    if (matrix->type == GH_TYPE_F32 && !has_gaps && (uintptr_t)matrix->data % sizeof(float) == 0) {
        kernels->float_panel((const float *)matrix->data + first * matrix->cols, rows, x, out);
        return;
    }
    const size_t most = gh_multiply_scratch(matrix->cols) / matrix->cols;
    for (size_t done = 0; done < rows; done += most) {
        const size_t n = rows - done < most ? rows - done : most;
        for (size_t r = 0; r < n; r++) {
            gh_expand_row(kernels, matrix, first + done + r, scratch + r * matrix->cols);
        }
        const gh_output place = {out.data + done, out.stride, out.add};
        kernels->float_panel(scratch, n, x, place);
    }
}

void gh_multiply_rows(
    const gh_kernels *kernels, bool quantized, const gh_matrix *matrix, size_t first, size_t rows,
    const gh_activations *x, gh_output out, float *scratch) {
    multiply_panel(kernels, quantized, matrix, first, rows, x, out, scratch);
    if (matrix->bias) {
        add_bias(matrix->bias + first, rows, x->tokens, out);
    }
}

// Rows begin … end - 1 of the matrices laid end to end.
static void multiply_range(
    const gh_kernels *kernels, bool quantized, const gh_product *products, size_t count, size_t begin,
    size_t end, const gh_activations *x, float *scratch) {
    size_t offset = 0;
    for (size_t p = 0; p < count; p++) {
        const gh_product *product = &products[p];
        const size_t limit = offset + product->matrix->rows;
        const size_t from = begin > offset ? begin : offset;
        const size_t to = end < limit ? end : limit;
        if (from < to) {
            gh_output out = product->out;
            out.data += from - offset;
            gh_multiply_rows(kernels, quantized, product->matrix, from - offset, to - from, x, out, scratch);
        }
        offset = limit;
    }
}

void gh_multiply_shared(
    gh_team *team, uint32_t member, const gh_kernels *kernels, bool quantized, const gh_product *products,
    size_t count, const gh_activations *x, float *scratch) {
    size_t total = 0;
    for (size_t p = 0; p < count; p++) {
        total += products[p].matrix->rows;
    }
    if (x->tokens <= STATIC_TOKENS) {
        size_t begin, end;
        gh_share(total, member, gh_team_members(team), &begin, &end);
        multiply_range(kernels, quantized, products, count, begin, end, x, scratch);
        return;
    }
    for (;;) {
        const size_t begin = (size_t)gh_team_take(team) * DYNAMIC_ROWS;
        if (begin >= total) {
            return;
        }
        const size_t end = begin + DYNAMIC_ROWS < total ? begin + DYNAMIC_ROWS : total;
        multiply_range(kernels, quantized, products, count, begin, end, x, scratch);
    }
}
