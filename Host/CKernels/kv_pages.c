#include "kv_pages.h"

#include <string.h>

gh_page_layout gh_page_layout_make(uint32_t layers, uint32_t kv_heads, uint32_t head_dim, bool precise) {
    gh_page_layout l = {
        .kv_heads = kv_heads,
        .head_dim = head_dim,
        .padded = gh_padded(head_dim),
        .element = precise ? sizeof(float) : sizeof(uint16_t),
    };
    l.key_head = (uint64_t)l.head_dim * GH_PAGE_TOKENS * l.element;
    l.value_head = (uint64_t)l.padded * GH_PAGE_TOKENS * l.element;
    l.layer = kv_heads * (l.key_head + l.value_head);
    l.page = layers * l.layer;
    return l;
}

static void append_halves(
    const gh_kernels *kernels, const gh_page_layout *l, const float *key, const float *value, size_t slot,
    uint16_t *keys, uint16_t *values) {
    for (size_t d = 0; d < l->head_dim; d += 8) {
        const size_t n = l->head_dim - d < 8 ? l->head_dim - d : 8;
        uint16_t halves[8];
        kernels->halves_of_floats(key + d, n, halves);
        for (size_t i = 0; i < n; i++) {
            keys[(d + i) * GH_PAGE_TOKENS + slot] = halves[i];
        }
    }
    kernels->halves_of_floats(value, l->head_dim, values + slot * l->padded);
}

static void append_floats(
    const gh_page_layout *l, const float *key, const float *value, size_t slot, float *keys, float *values) {
    for (size_t d = 0; d < l->head_dim; d++) {
        keys[d * GH_PAGE_TOKENS + slot] = key[d];
    }
    memcpy(values + slot * l->padded, value, l->head_dim * sizeof *value);
}

void gh_page_append(
    const gh_kernels *kernels, const gh_pool *pool, uint32_t page, size_t layer, size_t slot,
    const float *keys, const float *values) {
    const gh_page_layout *l = &pool->layout;
    for (size_t head = 0; head < l->kv_heads; head++) {
        void *key_place = gh_page_keys(pool, page, layer, head);
        void *value_place = gh_page_values(pool, page, layer, head);
        const float *key = keys + head * l->head_dim;
        const float *value = values + head * l->head_dim;
        if (l->element == sizeof(float)) {
            append_floats(l, key, value, slot, key_place, value_place);
        } else {
            append_halves(kernels, l, key, value, slot, key_place, value_place);
        }
    }
}
