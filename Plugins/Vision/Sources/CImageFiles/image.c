#include "decoders.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ImageFormat image_format(const uint8_t *data, int64_t size)
{
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, jpeg[3] = {0xFF, 0xD8, 0xFF};
    if (size >= (int64_t)sizeof png && memcmp(data, png, sizeof png) == 0) return IMAGE_PNG;
    if (size >= (int64_t)sizeof jpeg && memcmp(data, jpeg, sizeof jpeg) == 0) return IMAGE_JPEG;
    if (size >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0) return IMAGE_WEBP;
    return IMAGE_UNKNOWN;
}

ImageStatus image_decode(ImageFormat format, const uint8_t *data, int64_t size, const ImageLimits *limits, Image *image)
{
    memset(image, 0, sizeof *image);
    image->orientation = 1;
    ImageStatus status;
    switch (format) {
    case IMAGE_PNG: status = decode_png(data, (size_t)size, limits, image); break;
    case IMAGE_JPEG: status = decode_jpeg(data, (size_t)size, limits, image); break;
    case IMAGE_WEBP: status = decode_webp(data, (size_t)size, limits, image); break;
    default: return image_fail(image, IMAGE_DAMAGED, "the bytes are neither PNG nor JPEG nor WebP");
    }
    if (status != IMAGE_OK) image_free(image);
    return status;
}

void image_free(Image *image)
{
    free(image->pixels);
    image->pixels = NULL;
}

ImageStatus image_prepare(Image *image, int64_t width, int64_t height, int64_t channels, const ImageLimits *limits)
{
    if (width < 1 || height < 1) return image_fail(image, IMAGE_DAMAGED, "the header tells of no pixels");
    if (width > limits->most_side || height > limits->most_side || width > limits->most_pixels / height)
        return image_fail(
            image, IMAGE_TOO_LARGE, "the image is %lld × %lld pixels: at most %lld on a side and %lld in all are taken",
            (long long)width, (long long)height, (long long)limits->most_side, (long long)limits->most_pixels);
    image->width = width;
    image->height = height;
    image->channels = channels;
    image->pixels = malloc((size_t)(width * height * channels));
    if (!image->pixels)
        return image_fail(
            image, IMAGE_NO_MEMORY, "there is no memory for %lld × %lld pixels", (long long)width, (long long)height);
    return IMAGE_OK;
}

ImageStatus image_fail(Image *image, ImageStatus status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(image->message, sizeof image->message, format, arguments);
    va_end(arguments);
    return status;
}
