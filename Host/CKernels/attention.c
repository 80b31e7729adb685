#include "floating_point.h"

#include "attention.h"

#include <math.h>
#include <string.h>

// Scratch: a page's keys, its values, then maximum, sum and output for each query.
size_t gh_attention_scratch(const gh_page_layout *layout, size_t group) {
    const size_t page = (layout->head_dim + layout->padded) * GH_PAGE_TOKENS;
    return page + GH_ATTENTION_ROWS * group * (2 + layout->padded);
}

// What is added to the scores of a page's positions for the row at `index`; false where that is nothing.
static bool page_bias(
    const gh_attention_block *block, size_t start, size_t index, float bias[GH_PAGE_TOKENS]) {
    bool any = false;
    for (size_t i = 0; i < block->gate_count; i++) {
        const gh_gated_span *gate = &block->gates[i];
        const size_t begin = gate->begin > start ? gate->begin : start;
        const size_t end = gate->end < start + GH_PAGE_TOKENS ? gate->end : start + GH_PAGE_TOKENS;
        if (begin >= end || index < gate->end) {
            continue;
        }
        if (!any) {
            memset(bias, 0, GH_PAGE_TOKENS * sizeof *bias);
            any = true;
        }
        for (size_t j = begin; j < end; j++) {
            bias[j - start] = gate->log_weight;
        }
    }
    return any;
}

void gh_attend(
    const gh_kernels *kernels, const gh_pool *pool, size_t layer, const gh_attention_block *block,
    size_t group, size_t kv_head, size_t first_head, size_t heads, const float *queries, float *out,
    float *scratch) {
    const gh_page_layout *l = &pool->layout;
    const size_t stride = l->kv_heads * group * l->head_dim;
    const size_t first_column = (kv_head * group + first_head) * l->head_dim;
    const size_t count = block->rows * heads;

    float *key_floats = scratch;
    float *value_floats = key_floats + l->head_dim * GH_PAGE_TOKENS;
    float *outputs = value_floats + l->padded * GH_PAGE_TOKENS;
    float *maxima = outputs + count * l->padded;
    float *sums = maxima + count;
    memset(outputs, 0, count * l->padded * sizeof *outputs);
    for (size_t i = 0; i < count; i++) {
        maxima[i] = -INFINITY;
        sums[i] = 0;
    }

    const size_t last = block->index + block->rows - 1;
    for (size_t page = 0; page <= last / GH_PAGE_TOKENS; page++) {
        const size_t start = page * GH_PAGE_TOKENS;
        const void *keys = gh_page_keys(pool, block->pages[page], layer, kv_head);
        const void *values = gh_page_values(pool, block->pages[page], layer, kv_head);
        if (l->type != GH_KV_F32) {
            const size_t seen = last - start + 1 < GH_PAGE_TOKENS ? last - start + 1 : GH_PAGE_TOKENS;
            gh_page_expand(kernels, l, keys, values, seen, key_floats, value_floats);
            keys = key_floats;
            values = value_floats;
        }
        for (size_t row = 0; row < block->rows; row++) {
            const size_t index = block->index + row;
            if (index < start) {
                continue;
            }
            const size_t valid = index - start + 1 < GH_PAGE_TOKENS ? index - start + 1 : GH_PAGE_TOKENS;
            float bias[GH_PAGE_TOKENS];
            const bool is_gated = page_bias(block, start, index, bias);
            for (size_t head = 0; head < heads; head++) {
                const size_t i = row * heads + head;
                gh_softmax state = {maxima[i], sums[i], outputs + i * l->padded};
                const size_t column = first_column + head * l->head_dim;
                const float *query = queries + (block->first + row) * stride + column;
                kernels->attend_page(
                    query, l->head_dim, keys, values, valid, is_gated ? bias : NULL, &state);
                maxima[i] = state.maximum;
                sums[i] = state.sum;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        const gh_softmax state = {maxima[i], sums[i], outputs + i * l->padded};
        float *place = out + (block->first + i / heads) * stride + first_column + i % heads * l->head_dim;
        kernels->attend_finish(&state, l->head_dim, place);
    }
}
