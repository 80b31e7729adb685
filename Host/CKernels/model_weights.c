// A model's matrices as its path multiplies them: the quantised ones are packed, by all threads of the team.

#define _DEFAULT_SOURCE

#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

static gh_weights *weights_of(gh_block *block, size_t index) {
    gh_weights *all[] = {
        &block->query, &block->key, &block->value, &block->attention_output,
        &block->gate,  &block->up,  &block->down,
    };
    return all[index];
}

enum { MATRICES_OF_BLOCK = 7 };

static void copy_block(gh_block *block, const gh_layer *layer) {
    const gh_matrix *matrices[MATRICES_OF_BLOCK] = {
        &layer->query, &layer->key, &layer->value, &layer->attention_output,
        &layer->gate,  &layer->up,  &layer->down,
    };
    *block = (gh_block){.desc = *layer};
    for (size_t i = 0; i < MATRICES_OF_BLOCK; i++) {
        weights_of(block, i)->matrix = *matrices[i];
    }
}

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

gh_status gh_take_weights(gh_model *model, const gh_model_desc *desc, const gh_release *release) {
    const size_t layers = desc->layer_count;
    model->blocks = malloc(layers * sizeof *model->blocks);
    gh_weights **list = malloc((layers * MATRICES_OF_BLOCK + 1) * sizeof *list);
    if (!model->blocks || !list) {
        free(list);
        return GH_ERROR_OUT_OF_MEMORY;
    }
    model->embedding.matrix = desc->embedding;
    model->output.matrix = desc->output;
    size_t count = 0;
    size_t bytes = 0;
    for (size_t i = 0; i <= layers * MATRICES_OF_BLOCK; i++) {
        gh_block *block = &model->blocks[i / MATRICES_OF_BLOCK];
        const bool is_output = i == layers * MATRICES_OF_BLOCK;
        if (!is_output && i % MATRICES_OF_BLOCK == 0) {
            copy_block(block, &desc->layers[i / MATRICES_OF_BLOCK]);
        }
        gh_weights *w = is_output ? &model->output : weights_of(block, i % MATRICES_OF_BLOCK);
        if (!model->precise && gh_is_packable(w->matrix.type)) {
            list[count++] = w;
            bytes += gh_packed_bytes(&w->matrix);
        }
    }
    if (count > 0) {
        // Large pages: there are fewer to fault in, and a pass over all weights misses fewer translations.
        bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        model->panels = aligned_alloc(HUGE_PAGE, bytes);
        if (!model->panels) {
            free(list);
            return GH_ERROR_OUT_OF_MEMORY;
        }
        madvise(model->panels, bytes, MADV_HUGEPAGE);
        model->quantizes = true;
        pack_all(model, list, count, release);
    }
    free(list);
    return GH_OK;
}
