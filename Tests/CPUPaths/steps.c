// Steps of small random decoders: attention, norms, rotation and products together.

#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 2, VOCABULARY = 101, PROMPT = 140, PAGES = 3, MATRICES = 7 * LAYERS + 1, NORMS = 2 * LAYERS + 1 };

typedef struct shape {
    uint32_t hidden, heads, kv_heads, head_dim, ffn, rope_dims;
    uint32_t types[3];  // of the matrices, in turn
} shape;

typedef struct decoder {
    gh_model_desc desc;
    gh_layer layers[LAYERS];
    gh_matrix matrices[MATRICES];
    float *norms[NORMS];
} decoder;

static void decoder_fill(decoder *d, const shape *s) {
    rng r = {9};
    size_t matrices = 0, norms = 0;
#define MATRIX(rows, cols) \
    (d->matrices[matrices] = rng_matrix(&r, s->types[matrices % 3], rows, cols), d->matrices[matrices++])
#define NORM() (d->norms[norms++] = rng_floats(&r, s->hidden, 0.5f, 1.5f))
    const uint32_t queries = s->heads * s->head_dim, keys = s->kv_heads * s->head_dim;
    for (size_t i = 0; i < LAYERS; i++) {
        gh_layer *layer = &d->layers[i];
        *layer = (gh_layer){0};
        layer->attention_norm = NORM();
        layer->query = MATRIX(queries, s->hidden);
        layer->key = MATRIX(keys, s->hidden);
        layer->value = MATRIX(keys, s->hidden);
        layer->attention_output = MATRIX(s->hidden, queries);
        layer->ffn_norm = NORM();
        layer->gate = MATRIX(s->ffn, s->hidden);
        layer->up = MATRIX(s->ffn, s->hidden);
        layer->down = MATRIX(s->hidden, s->ffn);
    }
    const gh_matrix embedding = MATRIX(VOCABULARY, s->hidden);
    d->desc = (gh_model_desc){
        .layer_count = LAYERS, .hidden = s->hidden, .heads = s->heads, .kv_heads = s->kv_heads,
        .head_dim = s->head_dim, .ffn = s->ffn, .vocabulary = VOCABULARY, .rope_dims = s->rope_dims,
        .rope_pairing = GH_ROPE_HALVES, .rope_base = 1000, .norm_epsilon = 1e-5f, .embedding = embedding,
        .output_norm = NORM(), .output = embedding, .layers = d->layers};
#undef MATRIX
#undef NORM
}

static void decoder_free(decoder *d) {
    for (size_t i = 0; i < MATRICES; i++) {
        free((void *)d->matrices[i].data);
    }
    for (size_t i = 0; i < NORMS; i++) {
        free(d->norms[i]);
    }
}

// Logits of the prompt, [PROMPT, VOCABULARY], fed `chunk` rows at a time. To be freed.
static float *logits_of(const decoder *d, gh_cpu_path path, const gh_options *options, uint32_t chunk) {
    static const uint32_t pages[PAGES] = {2, 0, 1};
    const gh_gated_span gate = {.begin = 20, .end = 70, .log_weight = -1};
    int32_t tokens[PROMPT], positions[PROMPT];
    rng r = {30};
    for (int32_t i = 0; i < PROMPT; i++) {
        tokens[i] = (int32_t)(rng_next(&r) % VOCABULARY);
        positions[i] = i;
    }
    float *logits = must_allocate(PROMPT * VOCABULARY * sizeof *logits);
    memset(logits, 0, PROMPT * VOCABULARY * sizeof *logits);
    const gh_backend *backend = gh_cpu_backend_on(path);
    gh_model *model = NULL;
    gh_pool *pool = NULL;
    if (backend->model_create(&d->desc, options, &model) != GH_OK
        || backend->pool_create(model, PAGES, &pool) != GH_OK) {
        fprintf(stderr, "%s: no model or no pages\n", path_names[path]);
        exit(2);
    }
    for (uint32_t start = 0; start < PROMPT; start += chunk) {
        const uint32_t rows = PROMPT - start < chunk ? PROMPT - start : chunk;
        const gh_sequence sequence = {
            .pages = pages, .tokens = tokens + start, .positions = positions + start, .gates = &gate,
            .length = start, .rows = rows, .logits = rows, .gate_count = 1};
        const gh_batch batch = {.sequences = &sequence, .count = 1, .logits = logits + start * VOCABULARY};
        EXPECT(backend->step(model, pool, &batch) == GH_OK, "%s, row %u", path_names[path], start);
    }
    backend->pool_destroy(pool);
    backend->model_destroy(model);
    return logits;
}

// The largest ‖a - b‖ / ‖b‖ of a row.
static double relative_error(const float *a, const float *b) {
    double worst = 0;
    for (size_t row = 0; row < PROMPT; row++) {
        double difference = 0, size = 0;
        for (size_t i = row * VOCABULARY; i < (row + 1) * VOCABULARY; i++) {
            difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
            size += (double)b[i] * b[i];
        }
        // Not fmax, which would drop a NaN.
        const double error = sqrt(difference / size);
        worst = error <= worst ? worst : error;
    }
    return worst;
}

void check_steps(gh_cpu_path path) {
    static const shape shapes[] = {
        {128, 6, 2, 32, 192, 32, {GH_TYPE_Q4_1, GH_TYPE_Q8_0, GH_TYPE_F16}},
        {256, 4, 1, 64, 256, 32, {GH_TYPE_Q4_K, GH_TYPE_Q6_K, GH_TYPE_Q5_K}},
        {45, 6, 3, 10, 77, 6, {GH_TYPE_F32, GH_TYPE_F16, GH_TYPE_BF16}},
    };
    // Precise steps differ by rounding. Others round keys and values, and that once in a while to the next half.
    static const struct {
        uint32_t precise, kv_type;
        double tolerance;
    } modes[] = {{1, GH_KV_F32, 1e-5}, {0, GH_KV_F32, 1e-4}, {0, GH_KV_F16, 1e-3}, {0, GH_KV_I8, 2e-2}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        decoder d;
        decoder_fill(&d, &shapes[s]);
        for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
            const gh_options options = {.threads = 2, .precise = modes[m].precise, .kv_type = modes[m].kv_type};
            float *expected = logits_of(&d, GH_CPU_PORTABLE, &options, PROMPT);
            float *whole = logits_of(&d, path, &options, PROMPT);
            const double error = relative_error(whole, expected);
            EXPECT(error < modes[m].tolerance, "%s, shape %zu, mode %zu: %g", path_names[path], s, m, error);
            static const uint32_t chunks[] = {1, 7, 67};
            for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
                float *part = logits_of(&d, path, &options, chunks[c]);
                const bool is_same = memcmp(part, whole, PROMPT * VOCABULARY * sizeof *part) == 0;
                EXPECT(is_same, "%s, shape %zu, mode %zu, chunks of %u", path_names[path], s, m, chunks[c]);
                free(part);
            }
            free(expected);
            free(whole);
        }
        decoder_free(&d);
    }
}
