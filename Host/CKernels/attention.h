// Causal grouped-query attention of a step's rows over the KV pages of their sequences.

#ifndef GH_ATTENTION_H
#define GH_ATTENTION_H

#include "kv_pages.h"

// Rows of one sequence that walk its pages together, so that a page is converted once for all of them.
enum { GH_ATTENTION_ROWS = 16 };

typedef struct gh_attention_block {
    const uint32_t *pages;  // of the sequence
    const gh_gated_span *gates;
    size_t gate_count;
    size_t first;           // row in the step
    size_t rows;            // 1 … GH_ATTENTION_ROWS
    size_t index;           // place of the first row in its sequence: it sees 0 … index
} gh_attention_block;

// Bytes of scratch that a thread needs.
size_t gh_attention_scratch(const gh_page_layout *layout, size_t group);

// Query heads kv_head · group + first_head … + heads - 1 of one block. queries and out: [rows of the step,
// kv_heads · group · head_dim]; queries are scaled by 1/√head_dim already.
void gh_attend(
    const gh_kernels *kernels, const gh_pool *pool, size_t layer, const gh_attention_block *block,
    size_t group, size_t kv_head, size_t first_head, size_t heads, const float *queries, float *out,
    void *scratch);

#endif
