#include "floating_point.h"

#include "attention.h"

#include <math.h>
#include <string.h>

// Up to here queries read a page as it is stored; more share one conversion.
enum { DIRECT_QUERIES = 8 };

// Scratch: a page's keys, its values, then outputs, biases and states of the queries.
size_t gh_attention_scratch(const gh_page_layout *layout, size_t group) {
    const size_t page = (layout->head_dim + layout->padded) * GH_PAGE_TOKENS * sizeof(float);
    const size_t query = layout->padded * sizeof(float) + sizeof(gh_query);
    const size_t biases = GH_ATTENTION_ROWS * GH_PAGE_TOKENS * sizeof(float);
    return page + biases + GH_ATTENTION_ROWS * group * query;
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
    void *scratch) {
    const gh_page_layout *l = &pool->layout;
    const size_t stride = l->kv_heads * group * l->head_dim;
    const size_t first_column = (kv_head * group + first_head) * l->head_dim;
    const size_t count = block->rows * heads;

    float *key_floats = scratch;
    float *value_floats = key_floats + l->head_dim * GH_PAGE_TOKENS;
    float *outputs = value_floats + l->padded * GH_PAGE_TOKENS;
    float(*biases)[GH_PAGE_TOKENS] = (void *)(outputs + count * l->padded);
    gh_query *states = (gh_query *)(biases + block->rows);
    memset(outputs, 0, count * l->padded * sizeof *outputs);
    for (size_t i = 0; i < count; i++) {
        const size_t column = first_column + i % heads * l->head_dim;
        states[i] = (gh_query){
            .vector = queries + (block->first + i / heads) * stride + column,
            .maximum = -INFINITY,
            .output = outputs + i * l->padded,
        };
    }

    const size_t last = block->index + block->rows - 1;
    for (size_t number = 0; number <= last / GH_PAGE_TOKENS; number++) {
        const size_t start = number * GH_PAGE_TOKENS;
        gh_page page = gh_page_view(pool, block->pages[number], layer, kv_head);
        // Rows before the page's first position do not see it.
        const size_t first_row = block->index < start ? start - block->index : 0;
        for (size_t row = first_row; row < block->rows; row++) {
            const size_t index = block->index + row;
            const size_t seen = index - start + 1 < GH_PAGE_TOKENS ? index - start + 1 : GH_PAGE_TOKENS;
            const bool is_gated = page_bias(block, start, index, biases[row]);
            for (size_t i = row * heads; i < (row + 1) * heads; i++) {
                states[i].valid = seen;
                states[i].bias = is_gated ? biases[row] : NULL;
            }
        }
        const size_t first = first_row * heads;
        if (page.type != GH_KV_F32 && count - first > DIRECT_QUERIES) {
            const size_t seen = states[count - 1].valid;
            kernels->expand_elements(page.type, page.keys, l->head_dim * GH_PAGE_TOKENS, key_floats);
            kernels->expand_elements(page.type, page.values, l->padded * seen, value_floats);
            page.keys = key_floats;
            page.values = value_floats;
            page.type = GH_KV_F32;
        }
        kernels->attend_page(&page, l->head_dim, states + first, count - first);
    }
    for (size_t i = 0; i < count; i++) {
        float *place = out + (block->first + i / heads) * stride + first_column + i % heads * l->head_dim;
        kernels->attend_finish(&states[i], l->head_dim, place);
    }
}
