// The compute backend: the table behind which every device stands.
//
// The host describes a decoder once (gh_model_desc), then runs steps. A step advances any number of
// sequences by one or more rows each over one pool of KV pages, and hands back the logits that were asked
// for. Nothing above this table assumes that weights, pages or activations are in host memory; what crosses
// it in a step (tokens, embeddings, positions, page tables, logits) is always host memory.
//
// A row's results do not depend on what else is in the step, on how its sequence was cut into steps, or on
// the number of threads: they are equal bit for bit. So every reduction runs in one fixed order, and
// attention splits its keys at absolute page boundaries.
//
// Threads: calls on one model, and on the pools made from it, never overlap; models are independent.

#ifndef GATEHOUSE_BACKEND_H
#define GATEHOUSE_BACKEND_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Tokens in one KV page.
enum { GH_PAGE_TOKENS = 64 };

// Element types of weights. The values are those of GGUF's tensor type field.
typedef enum gh_type {
    GH_TYPE_F32 = 0,
    GH_TYPE_F16 = 1,
    GH_TYPE_Q4_0 = 2,
    GH_TYPE_Q4_1 = 3,
    GH_TYPE_Q5_0 = 6,
    GH_TYPE_Q5_1 = 7,
    GH_TYPE_Q8_0 = 8,
    GH_TYPE_Q4_K = 12,
    GH_TYPE_Q5_K = 13,
    GH_TYPE_Q6_K = 14,
    GH_TYPE_BF16 = 30,
} gh_type;

typedef enum gh_status {
    GH_OK = 0,
    GH_ERROR_OUT_OF_MEMORY = 1,
    GH_ERROR_UNSUPPORTED_TYPE = 2,
    GH_ERROR_BAD_SHAPE = 3,
    GH_ERROR_DEVICE = 4,
    GH_ERROR_BAD_VALUE = 5,  // a number that is not finite, or out of range
} gh_status;

// A weight matrix, row-major: output o = bias[o] + Σ_i data[o][i] · x[i]. `cols` is a multiple of the type's
// block. All of it is borrowed and lives as long as the model, or until the model releases it.
typedef struct gh_matrix {
    const void *data;
    const float *bias;  // [rows], or NULL
    uint64_t stride;    // bytes from row to row, so that a matrix can be some columns of a wider one; 0: no gaps
    uint32_t type;      // gh_type
    uint32_t rows;      // outputs
    uint32_t cols;      // inputs
    uint32_t reserved;
} gh_matrix;

// How rotary embedding pairs the dimensions of a head.
typedef enum gh_rope_pairing {
    GH_ROPE_INTERLEAVED = 0,  // (0,1), (2,3), …
    GH_ROPE_HALVES = 1,       // (0,d/2), (1,d/2+1), …
} gh_rope_pairing;

// One block: x += post(Wo·attention(norm(x))); x += post(Wdown·(silu(Wgate·norm(x)) ⊙ Wup·norm(x))).
typedef struct gh_layer {
    const float *attention_norm;       // [hidden]
    gh_matrix query;                   // [heads · head_dim, hidden]
    gh_matrix key;                     // [kv_heads · head_dim, hidden]
    gh_matrix value;                   // [kv_heads · head_dim, hidden]
    gh_matrix attention_output;        // [hidden, heads · head_dim]
    const float *attention_post_norm;  // [hidden], or NULL: post is then nothing
    const float *ffn_norm;             // [hidden]
    gh_matrix gate;                    // [ffn, hidden]
    gh_matrix up;                      // [ffn, hidden]
    gh_matrix down;                    // [hidden, ffn]
    const float *ffn_post_norm;        // [hidden], or NULL
} gh_layer;

typedef struct gh_model_desc {
    uint32_t layer_count;
    uint32_t hidden;
    uint32_t heads;
    uint32_t kv_heads;
    uint32_t head_dim;
    uint32_t ffn;
    uint32_t vocabulary;
    uint32_t rope_dims;      // leading dimensions of a head that rotate
    uint32_t rope_pairing;   // gh_rope_pairing
    float rope_base;
    const float *rope_factors;  // [rope_dims / 2] divisors of the frequencies, or NULL
    // Pairs that turn by the first, second and third axis of a position, in this order, together rope_dims / 2
    // (M-RoPE). All zero: positions have one axis.
    uint32_t rope_sections[3];
    float norm_epsilon;
    gh_matrix embedding;     // [vocabulary, hidden]
    const float *output_norm;  // [hidden]
    gh_matrix output;        // [vocabulary, hidden]; the embedding again where tied. Of a part: its rows of that
    uint32_t output_first;   // the token that the first row of `output` is for
    uint32_t reserved;
    const gh_layer *layers;  // [layer_count]; copied
} gh_model_desc;

// What keys and values are kept in.
typedef enum gh_kv_type {
    GH_KV_F16 = 0,
    GH_KV_F32 = 1,
    GH_KV_I8 = 2,  // with a float32 scale for each position of each head
} gh_kv_type;

// Tensor parallelism. A part holds some of the heads, some of the feed-forward width and some rows of the output;
// what its products with `attention_output` and `down` give, and its logits, are summands of the whole's.
typedef struct gh_reduction {
    // Replaces `count` values by their sums over all parts, the same bits in each. Every part calls it the same
    // number of times in a step, from the thread that runs the step. NULL: the model is whole.
    void (*sum)(void *context, float *values, uint64_t count);
    void *context;
} gh_reduction;

// A model may take its own copy of a matrix, in the order in which its processor reads it best.
typedef struct gh_release {
    // Called from the thread of model_create for each matrix that the model has copied and will not read again. NULL:
    // nobody asks.
    void (*released)(void *context, const gh_matrix *matrix);
    void *context;
} gh_release;

typedef struct gh_options {
    uint32_t threads;  // at least 1; the calling thread is one of them
    uint32_t precise;  // 1: float32 throughout: dequantised weights, no quantised activations
    uint32_t kv_type;  // gh_kv_type
    uint32_t reserved;
    gh_reduction reduction;
    gh_release release;
} gh_options;

typedef struct gh_model gh_model;  // weights and scratch memory, on the device
typedef struct gh_pool gh_pool;    // KV pages, on the device

// Rows begin … end - 1 of a sequence, whose weight for all rows from `end` on is the exponential of `log_weight`:
// it multiplies their unnormalised attention. Rows inside attend to each other as ever.
typedef struct gh_gated_span {
    uint32_t begin;
    uint32_t end;
    float log_weight;  // finite, at most 0
    uint32_t reserved;
} gh_gated_span;

// What one sequence does in a step. Its `rows` new rows follow the `length` that its pages already hold.
typedef struct gh_sequence {
    const uint32_t *pages;     // page table; at least (length + rows) / GH_PAGE_TOKENS, rounded up, entries
    const int32_t *tokens;     // [rows] token ids; where negative the row comes from `embeddings`
    const float *embeddings;   // [rows, hidden], read only where the token is negative; may be NULL if none is
    const int32_t *positions;  // [rows, axes] rotary positions; one axis, or three where the model has sections
    const gh_gated_span *gates;  // [gate_count], rising and apart; may be NULL if there are none
    uint32_t length;
    uint32_t rows;
    uint32_t logits;           // the last `logits` rows hand back logits (0 … rows)
    uint32_t gate_count;
} gh_sequence;

typedef struct gh_batch {
    const gh_sequence *sequences;
    uint32_t count;
    uint32_t reserved;
    float *logits;  // [Σ sequences[i].logits, vocabulary], in order
    // [Σ sequences[i].logits, hidden]: what the head reads of the same rows, after the final norm; or NULL. Where only
    // these are asked for, `logits` may be NULL and is not computed.
    float *states;
} gh_batch;

typedef struct gh_backend {
    uint32_t struct_size;
    uint32_t reserved;
    const char *name;  // "cpu (avx2)"

    // Takes a description; the weights it points to stay borrowed until model_destroy.
    gh_status (*model_create)(const gh_model_desc *desc, const gh_options *options, gh_model **model);
    void (*model_destroy)(gh_model *model);

    // Bytes that one page takes in a pool of this model (keys and values of every layer).
    uint64_t (*page_bytes)(const gh_model *model);
    gh_status (*pool_create)(gh_model *model, uint32_t pages, gh_pool **pool);
    void (*pool_destroy)(gh_pool *pool);

    // The embedding rows of `count` tokens, float32 [count, hidden].
    gh_status (*embed)(gh_model *model, const int32_t *tokens, uint32_t count, float *rows);

    // Runs the batch. On an error no page of it may be relied on.
    gh_status (*step)(gh_model *model, gh_pool *pool, const gh_batch *batch);
} gh_backend;

// The CPU backend. Picks its kernels once: the fastest that the processor can run, or those of the path that the
// environment's GATEHOUSE_CPU names: "avx512", "avx2", "neon" or "portable". NULL where it names none that this
// processor can run. Any thread.
const gh_backend *gh_cpu_backend(void);

#ifdef __cplusplus
}
#endif

#endif
