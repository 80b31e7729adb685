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
    const gh_matrix *embedding = &model->desc.embedding;
    for (uint32_t i = 0; i < count; i++) {
        gh_expand_row(model->kernels, embedding, (size_t)tokens[i], rows + (size_t)i * embedding->cols);
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

static const gh_backend avx2 = BACKEND("cpu (avx2)", create_avx2);
#endif

const gh_backend *gh_cpu_backend_on(gh_cpu_path path) {
    if (!gh_cpu_path_available(path)) {
        return NULL;
    }
#if defined(__x86_64__)
    if (path == GH_CPU_AVX2) {
        return &avx2;
    }
#endif
    return &portable;
}

static pthread_once_t picked_once = PTHREAD_ONCE_INIT;
static const gh_backend *picked;

static void pick(void) {
    const char *wish = getenv("GATEHOUSE_CPU");
    const gh_backend *best = gh_cpu_backend_on(GH_CPU_AVX2);
    picked = best && !(wish && strcmp(wish, "portable") == 0) ? best : &portable;
}

const gh_backend *gh_cpu_backend(void) {
    pthread_once(&picked_once, pick);
    return picked;
}

gh_status gh_quantize_activations(
    gh_cpu_path path, const float *activations, uint32_t count, int8_t *values, float *scales) {
    const gh_kernels *kernels = gh_kernels_of(path);
    if (!kernels || !kernels->quantize) {
        return GH_ERROR_DEVICE;
    }
    if (count % GH_QUANTUM) {
        return GH_ERROR_BAD_SHAPE;
    }
    float *eighths = malloc((count / GH_QUANTUM + 1) * sizeof *eighths);
    if (!eighths) {
        return GH_ERROR_OUT_OF_MEMORY;
    }
    kernels->quantize(activations, count, values, scales, eighths);
    free(eighths);
    return GH_OK;
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
    const bool quantized = !precise && gh_integer_panel_of(kernels, weights->type);
    const size_t cols = weights->cols;
    const size_t blocks = cols / GH_QUANTUM;
    float *scratch = malloc(gh_multiply_scratch(cols) * sizeof *scratch);
    gh_quantized q = {NULL, NULL, NULL};
    if (quantized) {
        q.values = malloc(tokens * cols + 1);
        q.scales = malloc((tokens * blocks + 1) * sizeof(float));
        q.eighths = malloc((tokens * blocks + 1) * sizeof(float));
    }
    const bool enough = scratch && (!quantized || (q.values && q.scales && q.eighths));
    if (enough) {
        for (size_t t = 0; quantized && t < tokens; t++) {
            kernels->quantize(
                activations + t * cols, cols, q.values + t * cols, q.scales + t * blocks,
                q.eighths + t * blocks);
        }
        const gh_activations x = {activations, q, tokens, cols};
        const gh_output out = {output, weights->rows, false};
        gh_multiply_rows(kernels, quantized, weights, 0, weights->rows, &x, out, scratch);
    }
    free(scratch);
    free(q.values);
    free(q.scales);
    free(q.eighths);
    return enough ? GH_OK : GH_ERROR_OUT_OF_MEMORY;
}
