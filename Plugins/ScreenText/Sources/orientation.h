// How a JPEG photo is to be turned before it is looked at: the orientation in its EXIF block.

#ifndef SCREEN_TEXT_ORIENTATION_H
#define SCREEN_TEXT_ORIENTATION_H

#include <allheaders.h>

// The orientation of EXIF 2.3, 1 … 8, in a JPEG of `size` bytes. 1, upright, where none is given or the block
// is damaged.
int orientation_of_jpeg(const uint8_t *data, uint64_t size);

// Turns `picture`, which it consumes, upright. NULL where there is no memory.
PIX *orientation_apply(PIX *picture, int orientation);

#endif
