// Checks a description, and makes and frees what runs it.

#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static gh_status check_matrix(const gh_matrix *matrix, uint64_t rows, uint64_t cols) {
    const uint32_t block = gh_type_block_size(matrix->type);
    if (block == 0) {
        return GH_ERROR_UNSUPPORTED_TYPE;
    }
    if (!matrix->data || matrix->rows != rows || matrix->cols != cols || cols % block) {
        return GH_ERROR_BAD_SHAPE;
    }
    if (matrix->stride > 0 && matrix->stride < cols / block * gh_type_block_bytes(matrix->type)) {
        return GH_ERROR_BAD_SHAPE;
    }
    return GH_OK;
}

static gh_status check_layer(const gh_model_desc *d, const gh_layer *layer) {
    if (!layer->attention_norm || !layer->ffn_norm) {
        return GH_ERROR_BAD_SHAPE;
    }
    const uint64_t queries = (uint64_t)d->heads * d->head_dim;
    const uint64_t keys = (uint64_t)d->kv_heads * d->head_dim;
    const struct {
        const gh_matrix *matrix;
        uint64_t rows, cols;
    } expected[] = {
        {&layer->query, queries, d->hidden},  {&layer->key, keys, d->hidden},
        {&layer->value, keys, d->hidden},     {&layer->attention_output, d->hidden, queries},
        {&layer->gate, d->ffn, d->hidden},    {&layer->up, d->ffn, d->hidden},
        {&layer->down, d->hidden, d->ffn},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const gh_status status = check_matrix(expected[i].matrix, expected[i].rows, expected[i].cols);
        if (status != GH_OK) {
            return status;
        }
    }
    return GH_OK;
}

// Dimensions above this are no decoder's; below it no product of two of them and a tile overflows 64 bits.
enum { MOST_WIDTH = 1 << 24, MOST_LAYERS = 1 << 16 };

static bool is_width(uint64_t value) {
    return value > 0 && value <= MOST_WIDTH;
}

static bool are_sections(const gh_model_desc *d) {
    const uint32_t *s = d->rope_sections;
    return (s[0] == 0 && s[1] == 0 && s[2] == 0) || (uint64_t)s[0] + s[1] + s[2] == d->rope_dims / 2;
}

static gh_status check(const gh_model_desc *d, const gh_options *options) {
    if (options->threads < 1 || options->threads > GH_TEAM_MOST_MEMBERS || options->kv_type > GH_KV_I8) {
        return GH_ERROR_BAD_SHAPE;
    }
    if (!is_width(d->hidden) || !is_width(d->ffn) || !is_width(d->vocabulary) || !is_width(d->heads)
        || !is_width(d->kv_heads) || !is_width(d->head_dim) || !is_width((uint64_t)d->heads * d->head_dim)
        || d->layer_count < 1 || d->layer_count > MOST_LAYERS) {
        return GH_ERROR_BAD_SHAPE;
    }
    if (d->heads % d->kv_heads || d->head_dim % 2) {
        return GH_ERROR_BAD_SHAPE;
    }
    if (d->rope_dims % 2 || d->rope_dims > d->head_dim || d->rope_pairing > GH_ROPE_HALVES
        || !(d->rope_base > 0) || !isfinite(d->rope_base) || !are_sections(d)) {
        return GH_ERROR_BAD_SHAPE;
    }
    if (!(d->norm_epsilon >= 0) || !isfinite(d->norm_epsilon) || !d->output_norm || !d->layers) {
        return GH_ERROR_BAD_SHAPE;
    }
    gh_status status = check_matrix(&d->embedding, d->vocabulary, d->hidden);
    if (status == GH_OK) {
        // A whole model's logits are all its own; a part's lie among them.
        const bool is_whole = !options->reduction.sum;
        const bool is_within = d->output_first <= d->vocabulary && d->output.rows > 0
                               && d->output.rows <= d->vocabulary - d->output_first;
        if (!is_within || (is_whole && d->output.rows != d->vocabulary)) {
            return GH_ERROR_BAD_SHAPE;
        }
        status = check_matrix(&d->output, d->output.rows, d->hidden);
    }
    for (uint32_t i = 0; status == GH_OK && i < d->layer_count; i++) {
        status = check_layer(d, &d->layers[i]);
    }
    return status;
}

// The widest input of any matrix.
static size_t widest(const gh_model_desc *d) {
    const size_t attended = (size_t)d->heads * d->head_dim;
    const size_t wide = attended > d->hidden ? attended : d->hidden;
    return wide > d->ffn ? wide : d->ffn;
}

gh_status gh_model_create_on(
    const gh_kernels *kernels, const gh_model_desc *desc, const gh_options *options, gh_model **result) {
    const gh_status status = check(desc, options);
    if (status != GH_OK) {
        return status;
    }
    gh_model *model = calloc(1, sizeof *model);
    if (!model) {
        return GH_ERROR_OUT_OF_MEMORY;
    }
    model->desc = *desc;
    model->kernels = kernels;
    model->precise = options->precise != 0;
    model->axes = desc->rope_sections[0] + desc->rope_sections[1] + desc->rope_sections[2] > 0 ? 3 : 1;
    model->reduction = options->reduction;
    model->layout =
        gh_page_layout_make(desc->layer_count, desc->kv_heads, desc->head_dim, (gh_kv_type)options->kv_type);

    const size_t attention = gh_attention_scratch(&model->layout, desc->heads / desc->kv_heads);
    const size_t multiply = gh_multiply_scratch(kernels, widest(desc));
    model->scratch_bytes = attention > multiply ? attention : multiply;
    model->scratch_bytes = (model->scratch_bytes + 63) & ~(size_t)63;  // members on lines of their own

    model->frequencies = malloc((desc->rope_dims / 2 + 1) * sizeof *model->frequencies);
    model->scratch = aligned_alloc(64, options->threads * model->scratch_bytes);
    if (!model->frequencies || !model->scratch) {
        gh_model_destroy(model);
        return GH_ERROR_OUT_OF_MEMORY;
    }
    gh_rope_frequencies(desc->rope_base, desc->rope_dims, desc->rope_factors, model->frequencies);
    model->desc.rope_factors = NULL;
    model->desc.layers = NULL;

    model->team = gh_team_create(options->threads);
    if (!model->team) {
        gh_model_destroy(model);
        return GH_ERROR_OUT_OF_MEMORY;
    }
    const gh_status taken = gh_take_weights(model, desc, &options->release);
    if (taken != GH_OK) {
        gh_model_destroy(model);
        return taken;
    }
    *result = model;
    return GH_OK;
}

void gh_model_destroy(gh_model *model) {
    if (!model) {
        return;
    }
    gh_team_destroy(model->team);
    free(model->workspace.memory);
    free(model->scratch);
    free(model->frequencies);
    free(model->blocks);
    free(model->panels);
    free(model);
}

// Lays out a workspace at `base` and returns the bytes that it takes.
static size_t lay_out(const gh_model *model, size_t rows, uint8_t *base, gh_workspace *w) {
    const gh_model_desc *d = &model->desc;
    const size_t queries = rows * d->heads * d->head_dim;
    const size_t keys = rows * d->kv_heads * d->head_dim;
    const size_t angles = rows * (d->rope_dims / 2);
    size_t used = 0;
    w->rows = rows;
    w->memory = base;
    w->order = gh_carve(base, &used, rows, sizeof *w->order);
    w->blocks = gh_carve(base, &used, rows, sizeof *w->blocks);
    w->residual = gh_carve(base, &used, rows * d->hidden, sizeof(float));
    w->change = gh_carve(base, &used, rows * d->hidden, sizeof(float));
    w->normed = gh_carve(base, &used, rows * d->hidden, sizeof(float));
    w->queries = gh_carve(base, &used, queries, sizeof(float));
    w->keys = gh_carve(base, &used, keys, sizeof(float));
    w->values = gh_carve(base, &used, keys, sizeof(float));
    w->attended = gh_carve(base, &used, queries, sizeof(float));
    w->gate = gh_carve(base, &used, rows * d->ffn, sizeof(float));
    w->up = gh_carve(base, &used, rows * d->ffn, sizeof(float));
    w->cosines = gh_carve(base, &used, angles, sizeof(float));
    w->sines = gh_carve(base, &used, angles, sizeof(float));
    if (model->quantizes) {
        const size_t width = widest(d);
        const size_t blocks = width / GH_QUANTUM + 1;
        w->quantized.values = gh_carve(base, &used, rows * width, sizeof(int16_t));
        w->quantized.scales = gh_carve(base, &used, rows * blocks, sizeof(float));
        w->quantized.sums = gh_carve(base, &used, rows * blocks, sizeof(float));
        w->quantized.totals = gh_carve(base, &used, rows * blocks, sizeof(int32_t));
    }
    return used;
}

gh_status gh_workspace_reserve(gh_model *model, size_t rows) {
    if (rows <= model->workspace.rows) {
        return GH_OK;
    }
    gh_workspace fresh = {0};
    uint8_t *memory = aligned_alloc(64, lay_out(model, rows, NULL, &fresh));
    if (!memory) {
        return GH_ERROR_OUT_OF_MEMORY;
    }
    lay_out(model, rows, memory, &fresh);
    free(model->workspace.memory);
    model->workspace = fresh;
    return GH_OK;
}
