// From a file's bytes to pixels.

#ifndef SCREEN_TEXT_IMAGE_H
#define SCREEN_TEXT_IMAGE_H

#include "failure.h"

#include <allheaders.h>

// Limits, checked before anything is decoded.
enum {
    IMAGE_MOST_BYTES = 64 << 20,    // of the file
    IMAGE_MOST_SIDE = 16384,        // pixels; a scrolled screenshot is long
    IMAGE_MOST_PIXELS = 32 << 20,   // a 12-megapixel photo, twice and more
};

// Decodes a PNG or JPEG into `picture`: 32 bits, opaque. BAD_INPUT where the part is none, is damaged or is
// beyond the limits. The caller destroys the picture with pixDestroy.
GatehouseStatus image_decode(const GatehousePart *part, PIX **picture, Failure *failure);

#endif
