// A model's matrices as its path multiplies them: the quantised ones are packed, by all threads of the team.

#define _DEFAULT_SOURCE

#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

typedef struct packing_work {
    gh_team *team;
    const gh_weights *weights;
} packing_work;

static void pack(void *context, uint32_t member) {
    (void)member;
    const packing_work *work = context;
    const size_t panels = gh_panel_count(work->weights->matrix.rows);
    for (size_t panel = gh_team_take(work->team); panel < panels; panel = gh_team_take(work->team)) {
        gh_pack_panel(&work->weights->matrix, &work->weights->packed, panel);
    }
}

static bool is_same(const gh_matrix *a, const gh_matrix *b) {
    return a->data == b->data && a->type == b->type && a->rows == b->rows && a->cols == b->cols
           && a->stride == b->stride;
}

// Packs each matrix and gives back its original before the next, so that no more than one is there twice.
static void pack_all(gh_model *model, gh_weights **list, size_t count, const gh_release *release) {
    uint8_t *place = model->panels;
    for (size_t i = 0; i < count; i++) {
        gh_weights *w = list[i];
        w->packed = (gh_packed){place, w->matrix.type, w->matrix.rows, w->matrix.cols};
        place += gh_packed_bytes(&w->matrix);
        packing_work work = {model->team, w};
        gh_team_run(model->team, pack, &work);
        const bool is_embedding = w->matrix.data == model->desc.embedding.data;
        if (is_embedding && is_same(&w->matrix, &model->desc.embedding)) {
            model->embedding.packed = w->packed;
        }
        if (release->released && (!is_embedding || model->embedding.packed.panels)) {
            release->released(release->context, &w->matrix);
        }
    }
}

// The matrices that are to be packed, and the bytes that they will take.
typedef struct listing {
    gh_weights **list;
    size_t count, bytes;
} listing;

static void take(gh_weights *weights, const gh_matrix *matrix, bool is_precise, listing *packed) {
    *weights = (gh_weights){.matrix = *matrix};
    if (!is_precise && gh_is_packable(matrix->type)) {
        packed->list[packed->count++] = weights;
        packed->bytes += gh_packed_bytes(matrix);
    }
}

enum { MATRICES_OF_BLOCK = 7 };

gh_status gh_take_weights(gh_model *model, const gh_model_desc *desc, const gh_release *release) {
    model->blocks = malloc(desc->layer_count * sizeof *model->blocks);
    listing packed = {malloc(((size_t)desc->layer_count * MATRICES_OF_BLOCK + 1) * sizeof *packed.list), 0, 0};
    if (!model->blocks || !packed.list) {
        free(packed.list);
        return GH_ERROR_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < desc->layer_count; i++) {
        gh_block *block = &model->blocks[i];
        const gh_layer *layer = &desc->layers[i];
        block->desc = *layer;
        take(&block->query, &layer->query, model->precise, &packed);
        take(&block->key, &layer->key, model->precise, &packed);
        take(&block->value, &layer->value, model->precise, &packed);
        take(&block->attention_output, &layer->attention_output, model->precise, &packed);
        take(&block->gate, &layer->gate, model->precise, &packed);
        take(&block->up, &layer->up, model->precise, &packed);
        take(&block->down, &layer->down, model->precise, &packed);
    }
    take(&model->output, &desc->output, model->precise, &packed);
    model->embedding.matrix = desc->embedding;
    if (packed.count > 0) {
        // Large pages: there are fewer to fault in, and a pass over all weights misses fewer translations.
        const size_t bytes = (packed.bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        model->panels = aligned_alloc(HUGE_PAGE, bytes);
        if (!model->panels) {
            free(packed.list);
            return GH_ERROR_OUT_OF_MEMORY;
        }
        madvise(model->panels, bytes, MADV_HUGEPAGE);
        model->quantizes = true;
        pack_all(model, packed.list, packed.count, release);
    }
    free(packed.list);
    return GH_OK;
}
