// One step of a batch: its rows, in tiles, through every layer. All members of the team run `run_tile`
// together; each phase ends at a barrier, and within a phase rows, heads or outputs are independent.

#include "floating_point.h"

#include <math.h>
#include <string.h>

#include "model.h"

// What the members share while a tile runs.
typedef struct tile {
    gh_model *model;
    const gh_pool *pool;
    size_t rows;
    size_t blocks;  // of attention
    float *logits;  // where the tile's first logits go, or NULL
    float *states;  // where its first states go, or NULL
} tile;

// The parts of the tile's rows that fall to this member.
typedef struct share {
    size_t begin, end;
} share;

static share share_of(size_t count, const tile *t, uint32_t member) {
    share s;
    gh_share(count, member, gh_team_members(t->model->team), &s.begin, &s.end);
    return s;
}

static bool wants_logits(const gh_row *row) {
    return row->row + row->sequence->logits >= row->sequence->rows;
}

static void *scratch_of(const gh_model *model, uint32_t member) {
    return model->scratch + member * model->scratch_bytes;
}

// Row `row` of activations [rows, cols] as the integer kernels want it, where any does.
static void quantize_row(const gh_model *model, const float *rows, size_t row, size_t cols) {
    if (model->quantizes && cols % GH_QUANTUM == 0) {
        model->kernels->quantize(
            rows + row * cols, cols, gh_quantized_row(&model->workspace.quantized, row, cols));
    }
}

static void multiply(
    const tile *t, uint32_t member, const gh_product *products, size_t count, const float *input,
    size_t tokens, size_t cols) {
    const gh_model *model = t->model;
    const gh_activations x = {input, model->workspace.quantized, tokens, cols};
    gh_multiply_shared(
        model->team, member, model->kernels, products, count, &x, scratch_of(model, member));
    gh_team_barrier(model->team);
}

// Embeddings and rotary angles.
static void begin_rows(const tile *t, uint32_t member) {
    const gh_model *model = t->model;
    const gh_model_desc *d = &model->desc;
    const gh_workspace *w = &model->workspace;
    const share s = share_of(t->rows, t, member);
    for (size_t i = s.begin; i < s.end; i++) {
        const gh_row *row = &w->order[i];
        const int32_t token = row->sequence->tokens[row->row];
        float *out = w->residual + i * d->hidden;
        if (token < 0) {
            memcpy(out, row->sequence->embeddings + row->row * d->hidden, d->hidden * sizeof *out);
        } else {
            gh_expand_row(model->kernels, &model->embedding, (size_t)token, out);
        }
        const size_t angles = i * (d->rope_dims / 2);
        gh_rope_angles(
            row->sequence->positions + row->row * model->axes, d->rope_sections, model->frequencies,
            d->rope_dims, w->cosines + angles, w->sines + angles);
    }
}

static void norm_rows(const tile *t, uint32_t member, const float *weight) {
    const gh_model_desc *d = &t->model->desc;
    const gh_workspace *w = &t->model->workspace;
    const share s = share_of(t->rows, t, member);
    for (size_t i = s.begin; i < s.end; i++) {
        const size_t at = i * d->hidden;
        t->model->kernels->rms_norm(w->residual + at, weight, d->hidden, d->norm_epsilon, w->normed + at);
        quantize_row(t->model, w->normed, i, d->hidden);
    }
    gh_team_barrier(t->model->team);
}

// Rotates queries and keys, scales queries, and stores keys and values in their page.
static void place_rows(const tile *t, uint32_t member, size_t layer) {
    const gh_model *model = t->model;
    const gh_model_desc *d = &model->desc;
    const gh_workspace *w = &model->workspace;
    const float scale = 1.0f / sqrtf((float)d->head_dim);
    const size_t query_width = (size_t)d->heads * d->head_dim;
    const size_t key_width = (size_t)d->kv_heads * d->head_dim;
    const share s = share_of(t->rows, t, member);
    for (size_t i = s.begin; i < s.end; i++) {
        const float *cosines = w->cosines + i * (d->rope_dims / 2);
        const float *sines = w->sines + i * (d->rope_dims / 2);
        float *query = w->queries + i * query_width;
        float *key = w->keys + i * key_width;
        for (size_t head = 0; head < d->heads; head++) {
            gh_rope_rotate(query + head * d->head_dim, d->rope_dims, d->rope_pairing, cosines, sines);
        }
        for (size_t j = 0; j < query_width; j++) {
            query[j] *= scale;
        }
        for (size_t head = 0; head < d->kv_heads; head++) {
            gh_rope_rotate(key + head * d->head_dim, d->rope_dims, d->rope_pairing, cosines, sines);
        }
        const gh_row *row = &w->order[i];
        const uint32_t page = row->sequence->pages[row->index / GH_PAGE_TOKENS];
        gh_page_append(
            model->kernels, t->pool, page, layer, row->index % GH_PAGE_TOKENS, key,
            w->values + i * key_width);
    }
    gh_team_barrier(model->team);
}

static void attend(const tile *t, uint32_t member, size_t layer) {
    const gh_model *model = t->model;
    const gh_model_desc *d = &model->desc;
    const gh_workspace *w = &model->workspace;
    const size_t group = d->heads / d->kv_heads;
    // A group's queries share the conversion of its page, unless threads would then go without work.
    const bool whole_groups = t->blocks * d->kv_heads >= 4 * (size_t)gh_team_members(model->team);
    const size_t heads = whole_groups ? group : 1;
    const size_t parts = d->heads / heads;
    for (;;) {
        const size_t item = gh_team_take(model->team);
        if (item >= t->blocks * parts) {
            break;
        }
        // Later blocks see more keys: they go first, so that the last items are short.
        const size_t block = t->blocks - 1 - item / parts;
        const size_t first = item % parts * heads;
        gh_attend(
            model->kernels, t->pool, layer, &w->blocks[block], group, first / group, first % group, heads,
            w->queries, w->attended, scratch_of(model, member));
    }
    gh_team_barrier(model->team);
    if (model->quantizes) {
        const share s = share_of(t->rows, t, member);
        for (size_t i = s.begin; i < s.end; i++) {
            quantize_row(model, w->attended, i, (size_t)d->heads * d->head_dim);
        }
        gh_team_barrier(model->team);
    }
}

// Sums over the parts of a model that is cut in parts. One member speaks for all.
static void reduce(const tile *t, uint32_t member, float *values, size_t count) {
    const gh_model *model = t->model;
    if (model->reduction.sum) {
        if (member == 0) {
            model->reduction.sum(model->reduction.context, values, count);
        }
        gh_team_barrier(model->team);
    }
}

// residual += post(weights · input).
static void add_change(
    const tile *t, uint32_t member, const gh_weights *weights, const float *input, const float *post_norm) {
    const gh_model *model = t->model;
    const gh_model_desc *d = &model->desc;
    const gh_workspace *w = &model->workspace;
    const bool is_direct = !post_norm && !model->reduction.sum;
    const gh_product product = {weights, {is_direct ? w->residual : w->change, d->hidden, is_direct}};
    multiply(t, member, &product, 1, input, t->rows, weights->matrix.cols);
    if (is_direct) {
        return;
    }
    reduce(t, member, w->change, t->rows * d->hidden);
    const share s = share_of(t->rows, t, member);
    for (size_t i = s.begin; i < s.end; i++) {
        float *change = w->change + i * d->hidden;
        float *residual = w->residual + i * d->hidden;
        if (post_norm) {
            model->kernels->rms_norm(change, post_norm, d->hidden, d->norm_epsilon, change);
        }
        for (size_t j = 0; j < d->hidden; j++) {
            residual[j] += change[j];
        }
    }
    gh_team_barrier(model->team);
}

static void activate(const tile *t, uint32_t member) {
    const gh_model_desc *d = &t->model->desc;
    const gh_workspace *w = &t->model->workspace;
    const share s = share_of(t->rows, t, member);
    for (size_t i = s.begin; i < s.end; i++) {
        t->model->kernels->swiglu(w->gate + i * d->ffn, w->up + i * d->ffn, d->ffn);
        quantize_row(t->model, w->gate, i, d->ffn);
    }
    gh_team_barrier(t->model->team);
}

static void run_layer(const tile *t, uint32_t member, size_t index) {
    const gh_model_desc *d = &t->model->desc;
    const gh_workspace *w = &t->model->workspace;
    const gh_block *layer = &t->model->blocks[index];
    const size_t query_width = (size_t)d->heads * d->head_dim;
    const size_t key_width = (size_t)d->kv_heads * d->head_dim;

    norm_rows(t, member, layer->desc.attention_norm);
    const gh_product inputs[] = {
        {&layer->query, {w->queries, query_width, false}},
        {&layer->key, {w->keys, key_width, false}},
        {&layer->value, {w->values, key_width, false}},
    };
    multiply(t, member, inputs, 3, w->normed, t->rows, d->hidden);
    place_rows(t, member, index);
    attend(t, member, index);
    add_change(t, member, &layer->attention_output, w->attended, layer->desc.attention_post_norm);

    norm_rows(t, member, layer->desc.ffn_norm);
    const gh_product expansions[] = {
        {&layer->gate, {w->gate, d->ffn, false}},
        {&layer->up, {w->up, d->ffn, false}},
    };
    multiply(t, member, expansions, 2, w->normed, t->rows, d->hidden);
    activate(t, member);
    add_change(t, member, &layer->down, w->gate, layer->desc.ffn_post_norm);
}

// Final norm and head of the rows that asked for logits, gathered at the front of `normed`.
static void finish_rows(const tile *t, uint32_t member) {
    const gh_model *model = t->model;
    const gh_model_desc *d = &model->desc;
    const gh_workspace *w = &model->workspace;
    const uint32_t members = gh_team_members(model->team);
    size_t count = 0;
    for (size_t i = 0; i < t->rows; i++) {
        if (!wants_logits(&w->order[i])) {
            continue;
        }
        if (count % members == member) {
            float *out = w->normed + count * d->hidden;
            model->kernels->rms_norm(
                w->residual + i * d->hidden, d->output_norm, d->hidden, d->norm_epsilon, out);
            if (t->states) {
                memcpy(t->states + count * d->hidden, out, d->hidden * sizeof *out);
            }
            quantize_row(model, w->normed, count, d->hidden);
        }
        count++;
    }
    if (!t->logits) {
        return;
    }
    if (member == 0 && d->output.rows < d->vocabulary) {
        memset(t->logits, 0, count * d->vocabulary * sizeof *t->logits);
    }
    gh_team_barrier(model->team);
    if (count > 0) {
        const gh_product head = {&model->output, {t->logits + d->output_first, d->vocabulary, false}};
        multiply(t, member, &head, 1, w->normed, count, d->hidden);
        reduce(t, member, t->logits, count * d->vocabulary);
    }
}

static void run_tile(void *context, uint32_t member) {
    const tile *t = context;
    begin_rows(t, member);
    gh_team_barrier(t->model->team);
    for (size_t layer = 0; layer < t->model->desc.layer_count; layer++) {
        run_layer(t, member, layer);
    }
    finish_rows(t, member);
}

static gh_status check_sequence(const gh_model *model, const gh_pool *pool, const gh_sequence *s) {
    if (s->logits > s->rows) {
        return GH_ERROR_BAD_SHAPE;
    }
    if (s->rows == 0) {
        return GH_OK;
    }
    if (!s->pages || !s->tokens || !s->positions) {
        return GH_ERROR_BAD_SHAPE;
    }
    const uint64_t length = (uint64_t)s->length + s->rows;
    for (uint64_t page = 0; page * GH_PAGE_TOKENS < length; page++) {
        if (s->pages[page] >= pool->pages) {
            return GH_ERROR_BAD_SHAPE;
        }
    }
    for (uint32_t i = 0; i < s->rows; i++) {
        const bool known = s->tokens[i] < 0 ? s->embeddings != NULL
                                            : (uint32_t)s->tokens[i] < model->desc.vocabulary;
        if (!known) {
            return GH_ERROR_BAD_SHAPE;
        }
    }
    if (s->gate_count > 0 && !s->gates) {
        return GH_ERROR_BAD_SHAPE;
    }
    uint32_t end = 0;
    for (uint32_t i = 0; i < s->gate_count; i++) {
        const gh_gated_span *g = &s->gates[i];
        if (g->begin < end || g->end <= g->begin || !(g->log_weight <= 0) || !isfinite(g->log_weight)) {
            return GH_ERROR_BAD_SHAPE;
        }
        end = g->end;
    }
    return GH_OK;
}

// A walk over all rows of a batch, in order.
typedef struct cursor {
    uint32_t sequence;
    uint32_t row;
} cursor;

// Fills the workspace with up to GH_TILE_ROWS rows from `at` on, and the blocks that attend together.
static tile next_tile(gh_model *model, const gh_pool *pool, const gh_batch *batch, cursor *at) {
    gh_workspace *w = &model->workspace;
    tile t = {.model = model, .pool = pool};
    while (at->sequence < batch->count && t.rows < GH_TILE_ROWS) {
        const gh_sequence *s = &batch->sequences[at->sequence];
        size_t n = s->rows - at->row;
        n = n < GH_TILE_ROWS - t.rows ? n : GH_TILE_ROWS - t.rows;
        for (size_t i = 0; i < n; i++) {
            if (i % GH_ATTENTION_ROWS == 0) {
                const size_t rows = n - i < GH_ATTENTION_ROWS ? n - i : GH_ATTENTION_ROWS;
                w->blocks[t.blocks++] = (gh_attention_block){
                    .pages = s->pages,
                    .gates = s->gates,
                    .gate_count = s->gate_count,
                    .first = t.rows,
                    .rows = rows,
                    .index = (size_t)s->length + at->row,
                };
            }
            w->order[t.rows++] = (gh_row){s, at->row, (size_t)s->length + at->row};
            at->row++;
        }
        if (at->row == s->rows) {
            at->sequence++;
            at->row = 0;
        }
    }
    return t;
}

gh_status gh_step(gh_model *model, gh_pool *pool, const gh_batch *batch) {
    if (pool->model != model || (batch->count > 0 && !batch->sequences)) {
        return GH_ERROR_BAD_SHAPE;
    }
    uint64_t rows = 0;
    uint64_t logits = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const gh_status status = check_sequence(model, pool, &batch->sequences[i]);
        if (status != GH_OK) {
            return status;
        }
        rows += batch->sequences[i].rows;
        logits += batch->sequences[i].logits;
    }
    if (logits > 0 && !batch->logits && !batch->states) {
        return GH_ERROR_BAD_SHAPE;
    }
    const gh_status status = gh_workspace_reserve(model, rows < GH_TILE_ROWS ? rows : GH_TILE_ROWS);
    if (status != GH_OK) {
        return status;
    }
    cursor at = {0, 0};
    size_t done = 0;
    for (;;) {
        tile t = next_tile(model, pool, batch, &at);
        if (t.rows == 0) {
            return GH_OK;
        }
        t.logits = batch->logits ? batch->logits + done * model->desc.vocabulary : NULL;
        t.states = batch->states ? batch->states + done * model->desc.hidden : NULL;
        gh_team_run(model->team, run_tile, &t);
        for (size_t i = 0; i < t.rows; i++) {
            if (wants_logits(&model->workspace.order[i])) {
                done++;
            }
        }
    }
}
