/* Pictures of files as 8-bit pixels. The codecs report errors by longjmp, which may not cross Swift: it ends here. */

#ifndef VISION_IMAGE_FILES_H
#define VISION_IMAGE_FILES_H

#include <stdint.h>

typedef enum ImageFormat { IMAGE_PNG, IMAGE_JPEG, IMAGE_WEBP, IMAGE_UNKNOWN } ImageFormat;

typedef enum ImageStatus {
    IMAGE_OK,
    IMAGE_CANCELLED,
    IMAGE_DAMAGED,
    IMAGE_TOO_LARGE,
    IMAGE_NO_MEMORY,
} ImageStatus;

/* What a file may be, checked in its header before anything is decoded; and whom to ask whether to go on. */
typedef struct ImageLimits {
    int64_t most_side;
    int64_t most_pixels;
    int (*cancelled)(void *context);
    void *context;
} ImageLimits;

typedef struct Image {
    uint8_t *pixels;   /* [height, width, channels]; free with image_free */
    int64_t width;
    int64_t height;
    int64_t channels;  /* 3: RGB; 4: RGB and alpha, not premultiplied */
    int32_t orientation; /* of EXIF, 1 to 8; 1 where there is none */
    char message[200]; /* of what went wrong, one phrase */
} Image;

/* By the first bytes. */
ImageFormat image_format(const uint8_t *data, int64_t size);

/* Decodes the first picture of a file. Unless the result is IMAGE_OK there are no pixels. */
ImageStatus image_decode(ImageFormat format, const uint8_t *data, int64_t size, const ImageLimits *limits, Image *image);

void image_free(Image *image);

#endif
