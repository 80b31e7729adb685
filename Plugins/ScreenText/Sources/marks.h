// The connected marks of a page: which could be letters, and how tall letters are.

#ifndef SCREEN_TEXT_MARKS_H
#define SCREEN_TEXT_MARKS_H

#include <allheaders.h>
#include <gatehouse.h>
#include <stdbool.h>

// Whether the page is pure noise, on which Tesseract would spend minutes: more ink than can stand beside
// writing, or more marks than a dense page, estimated at 40,000.
bool marks_are_noise(PIX *marks, l_int32 mark_count);

// Height of most lower-case letters in pixels, from the heights of what could be a letter. 0 where nothing
// could.
l_int32 marks_letter_height(BOXA *boxes);

// Wipes pictures, icons, and the edges of buttons and cards out of `ink`, whose marks are `marks`: Tesseract
// would read each with the line beside it. Stops early, the work half done, when `job` is cancelled.
void marks_erase_pictures(PIX *ink, PIX *marks, l_int32 letter, const GatehouseJob *job);

#endif
