/* What the decoders share. */

#ifndef VISION_DECODERS_H
#define VISION_DECODERS_H

#include "image_files.h"

#include <stddef.h>

ImageStatus decode_jpeg(const uint8_t *data, size_t size, const ImageLimits *limits, Image *image);
ImageStatus decode_png(const uint8_t *data, size_t size, const ImageLimits *limits, Image *image);
ImageStatus decode_webp(const uint8_t *data, size_t size, const ImageLimits *limits, Image *image);

/* Checks the extents and takes memory for the pixels. */
ImageStatus image_prepare(Image *image, int64_t width, int64_t height, int64_t channels, const ImageLimits *limits);

/* Writes the message and returns `status`. */
ImageStatus image_fail(Image *image, ImageStatus status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The orientation in a TIFF block as EXIF has it, with or without the name "Exif" before it; 1 where there is none. */
int32_t orientation_of_exif(const uint8_t *data, size_t size);

#endif
