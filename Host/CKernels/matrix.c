#include "floating_point.h"

#include "matrix.h"

enum {
    EXPANDED_ROWS = 8,                  // weight rows dequantised at a time
    DIRECT_TOKENS = 4,                  // up to here halves are converted as they are multiplied
    STATIC_TOKENS = 32,                 // up to here a fixed split costs less than sharing a counter
    DYNAMIC_ROWS = 2 * GH_PANEL_ROWS,   // weight rows that a thread takes at once in a prefill
};

static uint64_t row_bytes(const gh_matrix *matrix) {
    return (uint64_t)matrix->cols / gh_type_block_size(matrix->type) * gh_type_block_bytes(matrix->type);
}

static uint64_t row_stride(const gh_matrix *matrix) {
    return matrix->stride > 0 ? matrix->stride : row_bytes(matrix);
}

void gh_expand_row(const gh_kernels *kernels, const gh_weights *weights, size_t row, float *out) {
    if (weights->packed.panels) {
        gh_expand_packed_row(&weights->packed, row, out);
        return;
    }
    const gh_matrix *matrix = &weights->matrix;
    const uint8_t *source = (const uint8_t *)matrix->data + row * row_stride(matrix);
    if (matrix->type == GH_TYPE_F16 || matrix->type == GH_TYPE_BF16) {
        kernels->expand_halves(matrix->type, source, matrix->cols, out);
    } else {
        gh_dequantize_row(matrix->type, source, out, matrix->cols);
    }
}

size_t gh_multiply_scratch(const gh_kernels *kernels, size_t cols) {
    const size_t expanded = EXPANDED_ROWS * cols * sizeof(float);
    return expanded > kernels->packed_scratch ? expanded : kernels->packed_scratch;
}

static void add_bias(const float *bias, size_t rows, size_t tokens, gh_output out) {
    for (size_t t = 0; t < tokens; t++) {
        for (size_t r = 0; r < rows; r++) {
            out.data[t * out.stride + r] += bias[r];
        }
    }
}

// Without biases.
static void multiply(
    const gh_kernels *kernels, const gh_weights *weights, size_t first, size_t rows, const gh_activations *x,
    gh_output out, void *scratch) {
    if (weights->packed.panels) {
        kernels->multiply_packed(&weights->packed, first / GH_PANEL_ROWS, rows, x, out, scratch);
        return;
    }
    const gh_matrix *matrix = &weights->matrix;
    const bool is_float = gh_type_block_size(matrix->type) == 1;
    const bool is_aligned = matrix->type != GH_TYPE_F32 || (uintptr_t)matrix->data % sizeof(float) == 0;
    // Many tokens share one conversion to float32.
    if (is_float && is_aligned && (matrix->type == GH_TYPE_F32 || x->tokens <= DIRECT_TOKENS)) {
        const uint8_t *rows_begin = (const uint8_t *)matrix->data + first * row_stride(matrix);
        kernels->float_panel(matrix->type, rows_begin, row_stride(matrix), rows, x, out);
        return;
    }
    float *floats = scratch;
    for (size_t done = 0; done < rows; done += EXPANDED_ROWS) {
        const size_t n = rows - done < EXPANDED_ROWS ? rows - done : EXPANDED_ROWS;
        for (size_t r = 0; r < n; r++) {
            gh_expand_row(kernels, weights, first + done + r, floats + r * matrix->cols);
        }
        const gh_output place = {out.data + done, out.stride, out.add};
        kernels->float_panel(GH_TYPE_F32, floats, matrix->cols * sizeof *floats, n, x, place);
    }
}

void gh_multiply_rows(
    const gh_kernels *kernels, const gh_weights *weights, size_t first, size_t rows, const gh_activations *x,
    gh_output out, void *scratch) {
    multiply(kernels, weights, first, rows, x, out, scratch);
    if (weights->matrix.bias) {
        add_bias(weights->matrix.bias + first, rows, x->tokens, out);
    }
}

static size_t units_of(const gh_product *product, size_t unit) {
    return (product->weights->matrix.rows + unit - 1) / unit;
}

// Units begin … end - 1, of `unit` rows each but for a matrix's last, of the matrices laid end to end.
static void multiply_units(
    const gh_kernels *kernels, const gh_product *products, size_t count, size_t unit, size_t begin, size_t end,
    const gh_activations *x, void *scratch) {
    size_t offset = 0;
    for (size_t p = 0; p < count; p++) {
        const gh_product *product = &products[p];
        const size_t limit = offset + units_of(product, unit);
        const size_t from = begin > offset ? begin : offset;
        const size_t to = end < limit ? end : limit;
        if (from < to) {
            const size_t first = (from - offset) * unit;
            const size_t last = (to - offset) * unit;
            const size_t rows = product->weights->matrix.rows;
            gh_output out = product->out;
            out.data += first;
            gh_multiply_rows(
                kernels, product->weights, first, (last < rows ? last : rows) - first, x, out, scratch);
        }
        offset = limit;
    }
}

void gh_multiply_shared(
    gh_team *team, uint32_t member, const gh_kernels *kernels, const gh_product *products, size_t count,
    const gh_activations *x, void *scratch) {
    const bool is_static = x->tokens <= STATIC_TOKENS;
    const size_t unit = is_static ? GH_PANEL_ROWS : DYNAMIC_ROWS;
    size_t total = 0;
    for (size_t p = 0; p < count; p++) {
        total += units_of(&products[p], unit);
    }
    if (is_static) {
        size_t begin, end;
        gh_share(total, member, gh_team_members(team), &begin, &end);
        multiply_units(kernels, products, count, unit, begin, end, x, scratch);
        return;
    }
    for (size_t next = gh_team_take(team); next < total; next = gh_team_take(team)) {
        multiply_units(kernels, products, count, unit, next, next + 1, x, scratch);
    }
}
