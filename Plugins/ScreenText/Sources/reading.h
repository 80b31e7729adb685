// Lines of a page, put into reading order and joined to text.

#ifndef SCREEN_TEXT_READING_H
#define SCREEN_TEXT_READING_H

#include "failure.h"

#include <stdbool.h>

// One line as it was recognised: its place on the page in pixels, right and bottom exclusive.
typedef struct Line {
    int left, top, right, bottom;
    char *text;        // UTF-8, owned
    float confidence;  // 0 … 1
} Line;

typedef struct Lines {
    uint32_t count;
    uint32_t capacity;
    Line *lines;
} Lines;

// The text of a page: lines in reading order, an end of line between them and none after the last. Lines that
// stand side by side in one row are joined by two spaces.
typedef struct Reading {
    char *text;  // UTF-8, not NUL-terminated
    uint64_t size;
    GatehouseSpan *spans;  // one for each recognised line
    uint32_t span_count;
} Reading;

// Takes over `line->text`, also on failure. False where there is no memory.
bool lines_append(Lines *lines, const Line *line);

void lines_free(Lines *lines);

// Orders `lines` in place and joins them. False where there is no memory; then `reading` is untouched.
bool reading_make(Lines *lines, Reading *reading);

void reading_free(Reading *reading);

#endif
