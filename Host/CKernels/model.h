// A decoder on the CPU: its description, the team of threads that runs it, and the memory that a step needs.

#ifndef GH_MODEL_H
#define GH_MODEL_H

#include "attention.h"
#include "matrix.h"
#include "rope.h"
#include "thread_team.h"

// Rows that go through the layers together. A larger step is cut into tiles of this many, which bounds
// scratch memory and changes no result.
enum { GH_TILE_ROWS = 256 };

// One row of a tile.
typedef struct gh_row {
    const gh_sequence *sequence;
    size_t row;    // in the sequence's part of the step
    size_t index;  // in the sequence as a whole
} gh_row;

// Scratch memory for a tile; `memory` holds all of it. All are [rows, …].
typedef struct gh_workspace {
    size_t rows;  // capacity
    void *memory;
    gh_row *order;
    gh_attention_block *blocks;
    float *residual;  // [hidden]
    float *change;    // [hidden]: what attention or feed-forward network will add to the residual
    float *normed;    // [hidden]
    float *queries;   // [heads · head_dim]
    float *keys;      // [kv_heads · head_dim]
    float *values;    // [kv_heads · head_dim]
    float *attended;  // [heads · head_dim]
    float *gate;      // [ffn]
    float *up;        // [ffn]
    float *cosines;   // [rope_dims / 2]
    float *sines;     // [rope_dims / 2]
    gh_quantized quantized;  // of the widest input
} gh_workspace;

// A layer whose matrices are as this path multiplies them.
typedef struct gh_block {
    gh_layer desc;
    gh_weights query, key, value, attention_output, gate, up, down;
} gh_block;

struct gh_model {
    gh_model_desc desc;  // `layers` and `rope_factors` are NULL: they are in `blocks` and `frequencies`
    gh_block *blocks;
    gh_weights embedding, output;
    void *panels;  // of all packed matrices
    const gh_kernels *kernels;
    bool precise;
    bool quantizes;  // some matrix is packed
    double *frequencies;  // [rope_dims / 2]
    uint32_t axes;  // of a rotary position: 1 or 3
    gh_reduction reduction;
    gh_page_layout layout;
    gh_team *team;
    gh_workspace workspace;
    uint8_t *scratch;      // [members, scratch_bytes]
    size_t scratch_bytes;  // of one member
};

gh_status gh_model_create_on(
    const gh_kernels *kernels, const gh_model_desc *desc, const gh_options *options, gh_model **model);
void gh_model_destroy(gh_model *model);

// Copies the description's layers, and packs the matrices that the integer kernels read.
gh_status gh_take_weights(gh_model *model, const gh_model_desc *desc, const gh_release *release);

// Hands out the next `count` elements of a block of memory, or only counts them where `base` is NULL.
static inline void *gh_carve(uint8_t *base, size_t *used, size_t count, size_t element) {
    void *place = base ? base + *used : NULL;
    *used += (count * element + 63) & ~(size_t)63;
    return place;
}

// Makes the workspace hold at least `rows` rows. On failure the old one stays.
gh_status gh_workspace_reserve(gh_model *model, size_t rows);

gh_status gh_step(gh_model *model, gh_pool *pool, const gh_batch *batch);

#endif
