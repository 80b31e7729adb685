#include "page.h"

#include "ink.h"
#include "marks.h"

#include <math.h>

// Height of lower-case letters that Tesseract's networks read best, in pixels; ~ 30 px capitals.
static const float best_letter_height = 20;

// Scaling stops here: more pixels cost seconds and read no better.
enum { MOST_SCALED_PIXELS = 8 << 20, LARGEST_SCALE = 4 };

enum { MARGIN = 12 };  // pixels of white; Tesseract misses ink that touches the edge

// What the stages hand on, each made once. Freed by stages_free.
typedef struct Stages {
    PIX *background, *ink, *marks;
    BOXA *boxes;
} Stages;

static void stages_free(Stages *stages)
{
    boxaDestroy(&stages->boxes);
    pixDestroy(&stages->marks);
    pixDestroy(&stages->ink);
    pixDestroy(&stages->background);
}

// Ink, marks and boxes against the background there is.
static bool find_marks(Stages *stages, PIX *picture)
{
    boxaDestroy(&stages->boxes);
    pixDestroy(&stages->marks);
    pixDestroy(&stages->ink);
    stages->ink = ink_of(picture, stages->background);
    stages->marks = stages->ink ? pixThresholdToBinary(stages->ink, MARK_LEVEL) : NULL;
    stages->boxes = stages->marks ? pixConnCompBB(stages->marks, 8) : NULL;
    return stages->boxes != NULL;
}

static float scale_for(PIX *ink, l_int32 letter)
{
    if (letter <= 0 || letter > 0.8f * best_letter_height) return 1;
    double pixels = (double)pixGetWidth(ink) * pixGetHeight(ink);
    float scale = fminf(best_letter_height / letter, LARGEST_SCALE);
    return fmaxf(1, fminf(scale, (float)sqrt(MOST_SCALED_PIXELS / pixels)));
}

static PIX *scaled_with_margin(PIX *ink, l_int32 letter)
{
    float scale = scale_for(ink, letter);
    PIX *scaled = scale > 1 ? pixScale(ink, scale, scale) : pixClone(ink);
    PIX *page = scaled ? pixAddBorder(scaled, MARGIN, 255) : NULL;
    pixDestroy(&scaled);
    return page;
}

// Leaves `page` as it is where there is nothing but noise.
static GatehouseStatus make(Stages *stages, PIX *picture, const GatehouseJob *job, PIX **page)
{
    stages->background = background_near(picture);
    if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
    if (!stages->background || !find_marks(stages, picture)) return GATEHOUSE_OUT_OF_MEMORY;
    if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
    if (marks_are_noise(stages->marks, boxaGetCount(stages->boxes))) return GATEHOUSE_OK;

    l_int32 letter = marks_letter_height(stages->boxes);
    if (letter > 0) {
        if (!background_fill(stages->background, picture, letter)) return GATEHOUSE_OUT_OF_MEMORY;
        if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
        if (!find_marks(stages, picture)) return GATEHOUSE_OUT_OF_MEMORY;
        if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
        marks_erase_pictures(stages->ink, stages->marks, letter, job);
        if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
    }
    *page = scaled_with_margin(stages->ink, letter);
    return *page ? GATEHOUSE_OK : GATEHOUSE_OUT_OF_MEMORY;
}

GatehouseStatus page_make(PIX *picture, const GatehouseJob *job, PIX **page, Failure *failure)
{
    Stages stages = {0};
    GatehouseStatus status = make(&stages, picture, job, page);
    stages_free(&stages);
    if (status == GATEHOUSE_OUT_OF_MEMORY)
        return fail(failure, status, "There is no memory to prepare the image.");
    return status;
}
