// The CPU behind the backend table, one table for each path, and the entry points that take a path.

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static gh_status create_portable(const gh_model_desc *desc, const gh_options *options, gh_model **model) {
    return gh_model_create_on(&gh_kernels_portable, desc, options, model);
}

static uint64_t page_bytes(const gh_model *model) {
    return model->layout.page;
}

static gh_status pool_create(gh_model *model, uint32_t pages, gh_pool **result) {
    gh_pool *pool = malloc(sizeof *pool);
    if (!pool) {
        return GH_ERROR_OUT_OF_MEMORY;
    }
    // Zeroed, because padding and unused slots of a page are read along with it. The system hands out large
    // zeroed memory as it is touched, so an unused pool costs nothing. calloc refuses a size that overflows.
    uint8_t *data = calloc(pages > 0 ? pages : 1, model->layout.page);
    if (!data) {
        free(pool);
        return GH_ERROR_OUT_OF_MEMORY;
    }
    *pool = (gh_pool){model, model->layout, pages, data};
    *result = pool;
    return GH_OK;
}

static void pool_destroy(gh_pool *pool) {
    if (pool) {
        free(pool->data);
        free(pool);
    }
}

static gh_status embed(gh_model *model, const int32_t *tokens, uint32_t count, float *rows) {
    for (uint32_t i = 0; i < count; i++) {
        if (tokens[i] < 0 || (uint32_t)tokens[i] >= model->desc.vocabulary) {
            return GH_ERROR_BAD_SHAPE;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        gh_expand_row(
            model->kernels, &model->embedding, (size_t)tokens[i], rows + (size_t)i * model->desc.hidden);
    }
    return GH_OK;
}

#define BACKEND(path_name, create)                                                                          \
    {                                                                                                       \
        .struct_size = sizeof(gh_backend), .name = path_name, .model_create = create,                       \
        .model_destroy = gh_model_destroy, .page_bytes = page_bytes, .pool_create = pool_create,            \
        .pool_destroy = pool_destroy, .embed = embed, .step = gh_step,                                      \
    }

static const gh_backend portable = BACKEND("cpu (portable)", create_portable);

#if defined(__x86_64__)
static gh_status create_avx2(const gh_model_desc *desc, const gh_options *options, gh_model **model) {
    return gh_model_create_on(&gh_kernels_avx2, desc, options, model);
}

static gh_status create_avx512(const gh_model_desc *desc, const gh_options *options, gh_model **model) {
    return gh_model_create_on(&gh_kernels_avx512, desc, options, model);
}

static const gh_backend avx2 = BACKEND("cpu (avx2)", create_avx2);
static const gh_backend avx512 = BACKEND("cpu (avx512)", create_avx512);
#elif defined(__aarch64__)
static gh_status create_neon(const gh_model_desc *desc, const gh_options *options, gh_model **model) {
    return gh_model_create_on(&gh_kernels_neon, desc, options, model);
}

static const gh_backend neon = BACKEND("cpu (neon)", create_neon);
#endif

const gh_backend *gh_cpu_backend_on(gh_cpu_path path) {
    if (!gh_cpu_path_available(path)) {
        return NULL;
    }
    switch (path) {
#if defined(__x86_64__)
    case GH_CPU_AVX512: return &avx512;
    case GH_CPU_AVX2: return &avx2;
#elif defined(__aarch64__)
    case GH_CPU_NEON: return &neon;
#endif
    default: return &portable;
    }
}

static pthread_once_t picked_once = PTHREAD_ONCE_INIT;
static const gh_backend *picked;

static void pick(void) {
    static const struct {
        gh_cpu_path path;
        const char *name;
    } paths[] = {
        {GH_CPU_AVX512, "avx512"}, {GH_CPU_AVX2, "avx2"}, {GH_CPU_NEON, "neon"}, {GH_CPU_PORTABLE, "portable"}};
    const char *wish = getenv("GATEHOUSE_CPU");
    for (size_t i = 0; i < sizeof paths / sizeof *paths && !picked; i++) {
        if (!wish || strcmp(wish, paths[i].name) == 0) {
            picked = gh_cpu_backend_on(paths[i].path);
        }
    }
}

const gh_backend *gh_cpu_backend(void) {
    pthread_once(&picked_once, pick);
    return picked;
}

gh_status gh_quantize_activations(
    gh_cpu_path path, const float *activations, uint32_t count, int16_t *values, float *scales) {
    const gh_kernels *kernels = gh_kernels_of(path);
    if (!kernels) {
        return GH_ERROR_DEVICE;
    }
    if (count % GH_QUANTUM) {
        return GH_ERROR_BAD_SHAPE;
    }
    for (uint32_t b = 0; b < count / GH_QUANTUM; b++) {
        int16_t pairs[GH_QUANTUM];
        float sum;
        int32_t total;
        kernels->quantize(
            activations + b * GH_QUANTUM, GH_QUANTUM, (gh_quantized){pairs, scales + b, &sum, &total});
        for (size_t i = 0; i < GH_QUANTUM; i++) {
            values[b * GH_QUANTUM + gh_pair_element(i / 2, i % 2)] = pairs[i];
        }
    }
    return GH_OK;
}

// Memory for a dot product: panels, quantised activations and scratch, in one piece.
typedef struct dot_memory {
    void *memory;
    gh_packed packed;
    gh_quantized quantized;
    void *scratch;
} dot_memory;

static bool dot_allocate(
    dot_memory *m, const gh_kernels *kernels, const gh_matrix *weights, bool is_packed, size_t tokens) {
    const size_t cols = weights->cols;
    const size_t blocks = cols / GH_QUANTUM;
    uint8_t *base = NULL;
    for (int pass = 0; pass < 2; pass++) {
        size_t used = 0;
        m->scratch = gh_carve(base, &used, gh_multiply_scratch(kernels, cols), 1);
        if (is_packed) {
            m->packed = (gh_packed){
                gh_carve(base, &used, gh_packed_bytes(weights), 1), weights->type, weights->rows, weights->cols};
            m->quantized.values = gh_carve(base, &used, tokens * cols, sizeof(int16_t));
            m->quantized.scales = gh_carve(base, &used, tokens * blocks, sizeof(float));
            m->quantized.sums = gh_carve(base, &used, tokens * blocks, sizeof(float));
            m->quantized.totals = gh_carve(base, &used, tokens * blocks, sizeof(int32_t));
        }
        if (pass == 0) {
            m->memory = base = aligned_alloc(64, used);
            if (!base) {
                return false;
            }
        }
    }
    return true;
}

gh_status gh_dot(
    gh_cpu_path path, const gh_matrix *weights, int precise, const float *activations, uint32_t tokens,
    float *output) {
    const gh_kernels *kernels = gh_kernels_of(path);
    const uint32_t block = gh_type_block_size(weights->type);
    if (!kernels) {
        return GH_ERROR_DEVICE;
    }
    if (block == 0) {
        return GH_ERROR_UNSUPPORTED_TYPE;
    }
    if (weights->cols == 0 || weights->cols % block) {
        return GH_ERROR_BAD_SHAPE;
    }
    const bool is_packed = !precise && gh_is_packable(weights->type);
    const size_t cols = weights->cols;
    dot_memory m = {0};
    if (!dot_allocate(&m, kernels, weights, is_packed, tokens)) {
        return GH_ERROR_OUT_OF_MEMORY;
    }
    if (is_packed) {
        for (size_t panel = 0; panel < gh_panel_count(weights->rows); panel++) {
            gh_pack_panel(weights, &m.packed, panel);
        }
        for (size_t t = 0; t < tokens; t++) {
            kernels->quantize(activations + t * cols, cols, gh_quantized_row(&m.quantized, t, cols));
        }
    }
    const gh_weights w = {*weights, m.packed};
    const gh_activations x = {activations, m.quantized, tokens, cols};
    const gh_output out = {output, weights->rows, false};
    gh_multiply_rows(kernels, &w, 0, weights->rows, &x, out, m.scratch);
    free(m.memory);
    return GH_OK;
}
