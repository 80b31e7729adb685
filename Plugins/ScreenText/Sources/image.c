#include "image.h"

#include "orientation.h"

#include <stdbool.h>
#include <string.h>

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
                    "Only the bytes of image/png and image/jpeg can be read, found kind %u of type '%.60s'.",
                    part->kind, part->media_type ? part->media_type : "");
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
        return fail(
            failure, GATEHOUSE_BAD_INPUT,
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
    PIX *opaque =
        pixGetSpp(decoded) == 4 ? pixAlphaBlendUniform(decoded, paper_for(decoded)) : pixConvertTo32(decoded);
    pixDestroy(&decoded);
    if (opaque && format == FORMAT_JPEG)
        opaque = orientation_apply(opaque, orientation_of_jpeg(part->data, part->size));
    if (!opaque)
        return fail(failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory for the pixels of the image.");
    *picture = opaque;
    return GATEHOUSE_OK;
}
