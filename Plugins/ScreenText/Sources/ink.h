// What is written and what it is written on: finds the local background of a picture and what differs from
// it.

#ifndef SCREEN_TEXT_INK_H
#define SCREEN_TEXT_INK_H

#include <allheaders.h>
#include <stdbool.h>

enum {
    INK_STEP = 4,     // a background has one pixel for so many of the picture, each way
    MARK_LEVEL = 150  // ink darker than this is part of a mark
};

// The background as windows little larger than a line see it: follows buttons, but also heavy strokes and
// icons. NULL where there is no memory, as below.
PIX *background_near(PIX *picture);

// Corrects `near` in place: what is too small to carry writing of `letter` pixels (the height of lower-case
// letters) gets the colour of its surroundings, so that heavy strokes and icons become ink as a whole. False
// where there is no memory.
bool background_fill(PIX *near, PIX *picture, l_int32 letter);

// Ink, 8 bits: 255 where `picture` has the colour of the background, darker the more it differs.
PIX *ink_of(PIX *picture, PIX *background);

#endif
