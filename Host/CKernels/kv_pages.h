// The pool of KV pages and the layout of a page.
//
// A page holds GH_PAGE_TOKENS positions of every layer. Within a layer come the keys, for each KV head
// [head_dim, GH_PAGE_TOKENS], so that one vector of a dimension covers sixteen positions and scores need no sum
// across lanes; then the values, for each KV head [GH_PAGE_TOKENS, padded head_dim]. Where elements are int8, the
// float32 scales of the positions, [GH_PAGE_TOKENS], precede each head's keys and each head's values.

#ifndef GH_KV_PAGES_H
#define GH_KV_PAGES_H

#include "kernels.h"

typedef struct gh_page_layout {
    size_t kv_heads;
    size_t head_dim;
    size_t padded;  // head_dim up to a multiple of 16
    gh_kv_type type;
    uint64_t key_head;    // bytes of one head's keys in a page
    uint64_t value_head;  // bytes of one head's values in a page
    uint64_t layer;       // bytes of one layer in a page
    uint64_t page;
} gh_page_layout;

gh_page_layout gh_page_layout_make(uint32_t layers, uint32_t kv_heads, uint32_t head_dim, gh_kv_type type);

struct gh_pool {
    const gh_model *model;
    gh_page_layout layout;
    uint32_t pages;
    uint8_t *data;
};

static inline void *gh_page_keys(const gh_pool *pool, uint32_t page, size_t layer, size_t head) {
    const gh_page_layout *l = &pool->layout;
    return pool->data + page * l->page + layer * l->layer + head * l->key_head;
}

static inline void *gh_page_values(const gh_pool *pool, uint32_t page, size_t layer, size_t head) {
    const gh_page_layout *l = &pool->layout;
    return pool->data + page * l->page + layer * l->layer + l->kv_heads * l->key_head + head * l->value_head;
}

// Writes one position's keys and values, [kv_heads, head_dim] each, to slot `slot` of a page.
void gh_page_append(
    const gh_kernels *kernels, const gh_pool *pool, uint32_t page, size_t layer, size_t slot,
    const float *keys, const float *values);

// One head's part of a page.
gh_page gh_page_view(const gh_pool *pool, uint32_t page, size_t layer, size_t head);

#endif
