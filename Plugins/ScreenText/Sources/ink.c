#include "ink.h"

// Every `step`th pixel of every `step`th row.
static PIX *sampled(PIX *picture, l_int32 step)
{
    l_int32 width = (pixGetWidth(picture) + step - 1) / step;
    l_int32 height = (pixGetHeight(picture) + step - 1) / step;
    PIX *samples = pixCreate(width, height, 32);
    if (!samples) return NULL;
    const l_uint32 *from = pixGetData(picture);
    l_uint32 *to = pixGetData(samples);
    for (l_int32 y = 0; y < height; y++)
        for (l_int32 x = 0; x < width; x++)
            to[(size_t)y * pixGetWpl(samples) + x] = from[(size_t)y * step * pixGetWpl(picture) + x * step];
    return samples;
}

// Median of each colour in a window of so many samples; Leptonica wants no more than there are.
static PIX *median(PIX *samples, l_int32 wide, l_int32 high)
{
    l_int32 width = pixGetWidth(samples), height = pixGetHeight(samples);
    return pixMedianFilter(samples, width < wide ? width : wide, height < high ? height : high);
}

PIX *background_near(PIX *picture)
{
    PIX *samples = sampled(picture, INK_STEP);
    // 68 × 36 pixels: wider than strokes are, and low enough for a button.
    PIX *near = samples ? median(samples, 17, 9) : NULL;
    pixDestroy(&samples);
    return near;
}

static l_int32 channel_distance(l_uint32 a, l_uint32 b)
{
    l_int32 most = 0;
    for (int shift = 8; shift < 32; shift += 8) {
        l_int32 distance = abs((l_int32)(a >> shift & 0xFF) - (l_int32)(b >> shift & 0xFF));
        if (distance > most) most = distance;
    }
    return most;
}

// Colours of a background nearer than this are one surface.
enum { SAME_SURFACE = 24 };

static l_uint32 pixel(PIX *picture, l_int32 x, l_int32 y)
{
    return pixGetData(picture)[(size_t)y * pixGetWpl(picture) + x];
}

// Where the two backgrounds differ: 1 bit.
static PIX *difference(PIX *near, PIX *far)
{
    l_int32 width = pixGetWidth(near), height = pixGetHeight(near);
    PIX *differs = pixCreate(width, height, 1);
    for (l_int32 y = 0; differs && y < height; y++) {
        l_uint32 *out = pixGetData(differs) + (size_t)y * pixGetWpl(differs);
        for (l_int32 x = 0; x < width; x++)
            if (channel_distance(pixel(near, x, y), pixel(far, x, y)) > SAME_SURFACE) SET_DATA_BIT(out, x);
    }
    return differs;
}

// Whether a patch of background is too small to be a button with writing on it; sizes in samples.
static bool is_no_surface(l_int32 width, l_int32 height, l_int32 letter)
{
    return 2 * height * INK_STEP < 3 * letter
           || (width * INK_STEP < 7 * letter && height * INK_STEP < 7 * letter);
}

// One connected patch of samples: its mask, 1 bit, and where the mask lies.
typedef struct Patch {
    PIX *mask;
    l_int32 left, top, width, height;
} Patch;

static bool patch_has(const Patch *patch, l_int32 x, l_int32 y)
{
    x -= patch->left;
    y -= patch->top;
    return x >= 0 && y >= 0 && x < patch->width && y < patch->height
        && GET_DATA_BIT(pixGetData(patch->mask) + (size_t)y * pixGetWpl(patch->mask), x);
}

// Whether the patch differs from what surrounds it, along most of its edge: otherwise it is the rim of a
// larger surface, which the far background has missed.
static bool is_island(const Patch *patch, PIX *near)
{
    static const l_int32 steps[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    l_int32 edge = 0, joined = 0;
    for (l_int32 y = patch->top; y < patch->top + patch->height; y++)
        for (l_int32 x = patch->left; x < patch->left + patch->width; x++)
            for (int step = 0; patch_has(patch, x, y) && step < 4; step++) {
                l_int32 beside = x + steps[step][0], below = y + steps[step][1];
                if (beside < 0 || below < 0 || beside >= pixGetWidth(near) || below >= pixGetHeight(near)
                    || patch_has(patch, beside, below))
                    continue;
                edge++;
                joined += channel_distance(pixel(near, x, y), pixel(near, beside, below)) <= SAME_SURFACE;
            }
    return 5 * joined <= edge;
}

static void copy_patch(const Patch *patch, PIX *near, PIX *far)
{
    for (l_int32 y = patch->top; y < patch->top + patch->height; y++)
        for (l_int32 x = patch->left; x < patch->left + patch->width; x++)
            if (patch_has(patch, x, y)) pixGetData(near)[(size_t)y * pixGetWpl(near) + x] = pixel(far, x, y);
}

// The background as windows of 12 letters see it, of the size of `near`: nearly twice what is_no_surface lets
// pass.
static PIX *background_far(PIX *picture, PIX *near, l_int32 letter)
{
    enum { MOST_WINDOW = 64 };  // samples; the median's cost grows with them
    l_int32 window = 12 * letter / INK_STEP, coarser = 1 + window / MOST_WINDOW;
    PIX *samples = sampled(picture, INK_STEP * coarser);
    PIX *rough = samples ? median(samples, window / coarser | 1, window / coarser | 1) : NULL;
    PIX *far = rough ? pixCreateTemplate(near) : NULL;
    for (l_int32 y = 0; far && y < pixGetHeight(far); y++)
        for (l_int32 x = 0; x < pixGetWidth(far); x++)
            pixGetData(far)[(size_t)y * pixGetWpl(far) + x] = pixel(rough, x / coarser, y / coarser);
    pixDestroy(&rough);
    pixDestroy(&samples);
    return far;
}

bool background_fill(PIX *near, PIX *picture, l_int32 letter)
{
    PIX *far = background_far(picture, near, letter);
    PIX *differs = far ? difference(near, far) : NULL;
    PIXA *masks = NULL;
    BOXA *boxes = differs ? pixConnComp(differs, &masks, 4) : NULL;
    for (l_int32 index = 0; boxes && index < boxaGetCount(boxes); index++) {
        Patch patch = {.mask = pixaGetPix(masks, index, L_CLONE)};
        boxaGetBoxGeometry(boxes, index, &patch.left, &patch.top, &patch.width, &patch.height);
        if (is_no_surface(patch.width, patch.height, letter) && is_island(&patch, near))
            copy_patch(&patch, near, far);
        pixDestroy(&patch.mask);
    }
    bool good = boxes != NULL;
    boxaDestroy(&boxes);
    pixaDestroy(&masks);
    pixDestroy(&differs);
    pixDestroy(&far);
    return good;
}

// Any channel counts, so light on dark, dark on light and colour on colour all come out dark on white. The
// gain makes grey secondary text as black as the rest.
PIX *ink_of(PIX *picture, PIX *background)
{
    l_int32 width = pixGetWidth(picture), height = pixGetHeight(picture);
    PIX *ink = pixCreate(width, height, 8);
    for (l_int32 y = 0; ink && y < height; y++) {
        const l_uint32 *row = pixGetData(picture) + (size_t)y * pixGetWpl(picture);
        const l_uint32 *paper = pixGetData(background) + (size_t)(y / INK_STEP) * pixGetWpl(background);
        l_uint32 *out = pixGetData(ink) + (size_t)y * pixGetWpl(ink);
        for (l_int32 x = 0; x < width; x++) {
            l_int32 distance = channel_distance(row[x], paper[x / INK_STEP]) * 8 / 5;
            SET_DATA_BYTE(out, x, distance > 255 ? 0 : 255 - distance);
        }
    }
    return ink;
}
