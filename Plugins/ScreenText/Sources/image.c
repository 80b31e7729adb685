#include "image.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

// Height of lower-case letters that Tesseract's networks read best, in pixels; ~ 30 px capitals.
static const float best_letter_height = 20;

// Scaling stops here: more pixels cost seconds and read no better.
enum { MOST_SCALED_PIXELS = 8 << 20, LARGEST_SCALE = 4 };

enum { MARGIN = 12 };  // pixels of white; Tesseract misses ink that touches the edge

// ---------------------------------------------------------------------------------------------------------------
// Decoding

typedef enum Format { FORMAT_PNG, FORMAT_JPEG, FORMAT_NONE } Format;

static const char *const format_names[] = {"PNG", "JPEG", "neither PNG nor JPEG"};

static Format format_of_bytes(const uint8_t *data, uint64_t size)
{
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, jpeg[3] = {0xFF, 0xD8, 0xFF};
    if (size >= sizeof png && memcmp(data, png, sizeof png) == 0) return FORMAT_PNG;
    if (size >= sizeof jpeg && memcmp(data, jpeg, sizeof jpeg) == 0) return FORMAT_JPEG;
    return FORMAT_NONE;
}

static Format format_of_media_type(const char *media_type)
{
    if (media_type && strcmp(media_type, "image/png") == 0) return FORMAT_PNG;
    if (media_type && strcmp(media_type, "image/jpeg") == 0) return FORMAT_JPEG;
    return FORMAT_NONE;
}

static GatehouseStatus check_bytes(const GatehousePart *part, Format *format, Failure *failure)
{
    Format declared = format_of_media_type(part->media_type);
    if (part->kind != GATEHOUSE_PART_ENCODED || declared == FORMAT_NONE)
        return fail(failure, GATEHOUSE_UNSUPPORTED,
                    "Only the bytes of image/png and image/jpeg can be read, found kind %u of type '%.60s'.", part->kind,
                    part->media_type ? part->media_type : "");
    if (part->size == 0 || !part->data) return fail(failure, GATEHOUSE_BAD_INPUT, "The image has no bytes.");
    if (part->size > IMAGE_MOST_BYTES)
        return fail(failure, GATEHOUSE_BAD_INPUT, "The image has %llu bytes: at most %d are read.",
                    (unsigned long long)part->size, IMAGE_MOST_BYTES);
    *format = format_of_bytes(part->data, part->size);
    if (*format != declared)
        return fail(failure, GATEHOUSE_BAD_INPUT, "The bytes are %s, but the media type says %s.",
                    format_names[*format], part->media_type);
    return GATEHOUSE_OK;
}

// Reads the header alone, so that a picture too large for memory is refused before any of it is unpacked.
static GatehouseStatus check_size(const GatehousePart *part, Format format, Failure *failure)
{
    l_int32 width = 0, height = 0, bits, samples, colormap;
    l_ok bad = format == FORMAT_PNG
                   ? readHeaderMemPng(part->data, part->size, &width, &height, &bits, &samples, &colormap)
                   : readHeaderMemJpeg(part->data, part->size, &width, &height, &samples, NULL, NULL);
    if (bad || width < 1 || height < 1)
        return fail(failure, GATEHOUSE_BAD_INPUT, "The header of the %s is damaged or cut short.",
                    format_names[format]);
    if (width > IMAGE_MOST_SIDE || height > IMAGE_MOST_SIDE || (int64_t)width * height > IMAGE_MOST_PIXELS)
        return fail(failure, GATEHOUSE_BAD_INPUT,
                    "The image is %d × %d pixels: at most %d on a side and %d in all are read; scale it down.", width,
                    height, IMAGE_MOST_SIDE, IMAGE_MOST_PIXELS);
    return GATEHOUSE_OK;
}

// Paper that the ink shows on: white, but black where a mostly transparent picture is drawn in light ink.
static l_uint32 paper_for(PIX *picture)
{
    l_int32 width = pixGetWidth(picture), height = pixGetHeight(picture), stride = pixGetWpl(picture);
    const l_uint32 *data = pixGetData(picture);
    double opacity = 0, light = 0;
    for (l_int32 y = 0; y < height; y++)
        for (l_int32 x = 0; x < width; x++) {
            l_int32 red, green, blue, alpha;
            extractRGBAValues(data[(size_t)y * stride + x], &red, &green, &blue, &alpha);
            opacity += alpha;
            light += alpha * (0.3 * red + 0.6 * green + 0.1 * blue);
        }
    bool sparse = opacity < 0.5 * 255 * width * height;
    return sparse && light > 128 * opacity ? 0x00000000u : 0xFFFFFF00u;
}

GatehouseStatus image_decode(const GatehousePart *part, PIX **picture, Failure *failure)
{
    Format format = FORMAT_NONE;
    GatehouseStatus status = check_bytes(part, &format, failure);
    if (status == GATEHOUSE_OK) status = check_size(part, format, failure);
    if (status != GATEHOUSE_OK) return status;

    PIX *decoded = format == FORMAT_PNG ? pixReadMemPng(part->data, part->size)
                                        : pixReadMemJpeg(part->data, part->size, 0, 1, NULL, 0);
    if (!decoded)
        return fail(failure, GATEHOUSE_BAD_INPUT, "The data of the %s are damaged or cut short.",
                    format_names[format]);
    PIX *opaque = pixGetSpp(decoded) == 4 ? pixAlphaBlendUniform(decoded, paper_for(decoded)) : pixConvertTo32(decoded);
    pixDestroy(&decoded);
    if (!opaque)
        return fail(failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory for the pixels of the image.");
    *picture = opaque;
    return GATEHOUSE_OK;
}

// ---------------------------------------------------------------------------------------------------------------
// Preparing

// The background at every 4th pixel of every 4th row: the median of a window that is wider than strokes are.
static PIX *background_of(PIX *picture)
{
    enum { STEP = 4 };
    l_int32 width = (pixGetWidth(picture) + STEP - 1) / STEP, height = (pixGetHeight(picture) + STEP - 1) / STEP;
    PIX *sampled = pixCreate(width, height, 32);
    if (!sampled) return NULL;
    const l_uint32 *from = pixGetData(picture);
    l_uint32 *to = pixGetData(sampled);
    for (l_int32 y = 0; y < height; y++)
        for (l_int32 x = 0; x < width; x++)
            to[(size_t)y * pixGetWpl(sampled) + x] = from[(size_t)y * STEP * pixGetWpl(picture) + x * STEP];

    // 68 × 36 pixels: wider than strokes are, and low enough for a button. Leptonica wants no more than there is.
    PIX *median = pixMedianFilter(sampled, width < 17 ? width : 17, height < 9 ? height : 9);
    pixDestroy(&sampled);
    return median;
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

// Ink is what differs from its background in any channel, so light on dark, dark on light and colour on colour all
// come out dark on white. The gain makes grey secondary text as black as the rest.
static PIX *ink_of(PIX *picture)
{
    enum { STEP = 4 };
    PIX *background = background_of(picture);
    if (!background) return NULL;
    l_int32 width = pixGetWidth(picture), height = pixGetHeight(picture);
    PIX *ink = pixCreate(width, height, 8);
    for (l_int32 y = 0; ink && y < height; y++) {
        const l_uint32 *row = pixGetData(picture) + (size_t)y * pixGetWpl(picture);
        const l_uint32 *paper = pixGetData(background) + (size_t)(y / STEP) * pixGetWpl(background);
        l_uint32 *out = pixGetData(ink) + (size_t)y * pixGetWpl(ink);
        for (l_int32 x = 0; x < width; x++) {
            l_int32 distance = channel_distance(row[x], paper[x / STEP]) * 8 / 5;
            SET_DATA_BYTE(out, x, distance > 255 ? 0 : 255 - distance);
        }
    }
    pixDestroy(&background);
    return ink;
}

// Ink darker than this is part of a mark.
enum { MARK_LEVEL = 150 };

// Whether the page is pure noise, on which Tesseract would spend minutes: more ink than the background can leave
// beside writing, or more marks than a dense page, estimated at 40,000.
static bool is_noise(PIX *marks, l_int32 mark_count)
{
    enum { MOST_MARKS = 120000, MOST_INK_PERCENT = 35 };
    l_int32 ink = 0;
    pixCountPixels(marks, &ink, NULL);
    double pixels = (double)pixGetWidth(marks) * pixGetHeight(marks);
    return mark_count > MOST_MARKS || ink > pixels * MOST_INK_PERCENT / 100;
}

// Height of most lower-case letters: the lower quartile of the heights of what could be a letter. 0 where nothing
// could.
static l_int32 letter_height(BOXA *boxes)
{
    enum { SMALLEST = 4, LARGEST = 128 };
    l_int32 histogram[LARGEST + 1] = {0}, letters = 0;
    for (l_int32 index = 0; index < boxaGetCount(boxes); index++) {
        l_int32 width, height;
        boxaGetBoxGeometry(boxes, index, NULL, NULL, &width, &height);
        if (height < SMALLEST || height > LARGEST || width > 3 * height || height > 8 * width) continue;
        histogram[height]++;
        letters++;
    }
    l_int32 below = 0;
    for (l_int32 height = SMALLEST; height <= LARGEST && letters > 0; height++)
        if ((below += histogram[height]) * 4 >= letters) return height;
    return 0;
}

// Whether a mark of at least half of `letter` and less than half the mark's own height lies within the mark.
static bool encloses_a_letter(BOXA *boxes, l_int32 mark, l_int32 letter)
{
    l_int32 left, top, width, height, x, y, w, h;
    boxaGetBoxGeometry(boxes, mark, &left, &top, &width, &height);
    for (l_int32 index = 0; index < boxaGetCount(boxes); index++) {
        boxaGetBoxGeometry(boxes, index, &x, &y, &w, &h);
        if (2 * h >= letter && 2 * h < height && x > left && y > top && x + w < left + width && y + h < top + height)
            return true;
    }
    return false;
}

// Wipes out the edges of round pictures, buttons and cards: Tesseract would read each with the line beside it.
static void erase_frames(PIX *ink, PIX *marks, BOXA *boxes, l_int32 letter)
{
    enum { MOST_MARKS = 20000 };  // a page of noise has more, and no frames
    enum { HALO = 4 };            // pixels: the grey edge of a frame and its crumbs
    if (boxaGetCount(boxes) > MOST_MARKS) return;
    PIXA *shapes = NULL;
    BOXA *same = pixConnComp(marks, &shapes, 8);
    for (l_int32 index = 0; same && index < boxaGetCount(same); index++) {
        l_int32 left, top, width, height;
        boxaGetBoxGeometry(same, index, &left, &top, &width, &height);
        if (2 * height < 5 * letter || 2 * width < 5 * letter || !encloses_a_letter(same, index, letter)) continue;
        PIX *shape = pixaGetPix(shapes, index, L_CLONE);
        PIX *wider = pixAddBorder(shape, HALO, 0);
        if (wider && pixDilateBrick(wider, wider, 2 * HALO + 1, 2 * HALO + 1))
            pixSetMaskedGeneral(ink, wider, 255, left - HALO, top - HALO);
        pixDestroy(&wider);
        pixDestroy(&shape);
    }
    pixaDestroy(&shapes);
    boxaDestroy(&same);
}

static float scale_for(PIX *ink, l_int32 letter)
{
    if (letter <= 0 || letter > 0.8f * best_letter_height) return 1;
    double pixels = (double)pixGetWidth(ink) * pixGetHeight(ink);
    float scale = fminf(best_letter_height / letter, LARGEST_SCALE);
    return fmaxf(1, fminf(scale, (float)sqrt(MOST_SCALED_PIXELS / pixels)));
}

PIX *image_prepare(PIX *picture)
{
    PIX *ink = ink_of(picture);
    PIX *marks = ink ? pixThresholdToBinary(ink, MARK_LEVEL) : NULL;
    BOXA *boxes = marks ? pixConnCompBB(marks, 8) : NULL;
    PIX *page = NULL;
    if (boxes && is_noise(marks, boxaGetCount(boxes))) {
        page = pixCreate(1, 1, 8);
        if (page) pixSetAll(page);
    } else if (boxes) {
        l_int32 letter = letter_height(boxes);
        if (letter > 0) erase_frames(ink, marks, boxes, letter);
        float scale = scale_for(ink, letter);
        PIX *scaled = scale > 1 ? pixScale(ink, scale, scale) : pixClone(ink);
        page = scaled ? pixAddBorder(scaled, MARGIN, 255) : NULL;
        pixDestroy(&scaled);
    }
    boxaDestroy(&boxes);
    pixDestroy(&marks);
    pixDestroy(&ink);
    return page;
}
