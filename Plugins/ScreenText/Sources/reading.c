#include "reading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// -----------------------------------------------------------------------------------------------------------
// Lines

bool lines_append(Lines *lines, const Line *line)
{
    if (lines->count == lines->capacity) {
        uint32_t capacity = lines->capacity ? 2 * lines->capacity : 64;
        Line *grown = realloc(lines->lines, capacity * sizeof *grown);
        if (!grown) {
            free(line->text);
            return false;
        }
        lines->lines = grown;
        lines->capacity = capacity;
    }
    lines->lines[lines->count++] = *line;
    return true;
}

void lines_free(Lines *lines)
{
    for (uint32_t index = 0; index < lines->count; index++) free(lines->lines[index].text);
    free(lines->lines);
    *lines = (Lines){0};
}

// -----------------------------------------------------------------------------------------------------------
// Reading order
//
// A recursive cut of the page at its white gaps (Nagy and Seth, "Hierarchical representation of optically
// scanned documents", ICPR 1984), with the order of the cuts chosen for screens:
//
//   1. a blank stretch of one and a half lines parts blocks: a heading, a paragraph, a row of a settings
//      list. So a label and its value stay together;
//   2. within a block, a gutter parts columns of running text, but not a narrow column whose every line
//      stands beside one of the wide column: those are values;
//   3. a block that has no gutter is cut at its widest gap, which frees columns from a heading close above
//      them;
//   4. what cannot be cut is read by rows.

static int by_top(const void *a, const void *b)
{
    const Line *first = a, *second = b;
    if (first->top != second->top) return first->top < second->top ? -1 : 1;
    return (first->left > second->left) - (first->left < second->left);
}

static int by_left(const void *a, const void *b)
{
    const Line *first = a, *second = b;
    if (first->left != second->left) return first->left < second->left ? -1 : 1;
    return (first->top > second->top) - (first->top < second->top);
}

static int by_value(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

// The widest gap among lines sorted along one axis: the index of the first line after it, or 0 where it is
// narrower than `least` pixels.
static uint32_t widest_gap(const Line *lines, uint32_t count, bool vertical, int least)
{
    uint32_t at = 0;
    int reach = vertical ? lines[0].bottom : lines[0].right;
    for (uint32_t index = 1; index < count; index++) {
        int gap = (vertical ? lines[index].top : lines[index].left) - reach;
        int end = vertical ? lines[index].bottom : lines[index].right;
        if (gap >= least) {
            at = index;
            least = gap + 1;
        }
        if (end > reach) reach = end;
    }
    return at;
}

// How high half of the lines are, in pixels; `heights` is room for all of them.
static int median_height(const Line *lines, uint32_t count, int *heights)
{
    for (uint32_t index = 0; index < count; index++) heights[index] = lines[index].bottom - lines[index].top;
    qsort(heights, count, sizeof *heights, by_value);
    return heights[count / 2] > 0 ? heights[count / 2] : 1;
}

static bool same_row(const Line *first, const Line *second)
{
    int top = first->top > second->top ? first->top : second->top;
    int bottom = first->bottom < second->bottom ? first->bottom : second->bottom;
    int first_height = first->bottom - first->top, second_height = second->bottom - second->top;
    return 2 * (bottom - top) > (first_height < second_height ? first_height : second_height);
}

// Lines sorted by top: puts each run of lines that share a row from left to right.
static void sort_rows(Line *lines, uint32_t count)
{
    for (uint32_t start = 0, end; start < count; start = end) {
        end = start + 1;
        while (end < count && same_row(&lines[start], &lines[end])) end++;
        qsort(lines + start, end - start, sizeof *lines, by_left);
    }
}

static int extent(const Line *lines, uint32_t count)
{
    int left = lines[0].left, right = lines[0].right;
    for (uint32_t index = 1; index < count; index++) {
        if (lines[index].left < left) left = lines[index].left;
        if (lines[index].right > right) right = lines[index].right;
    }
    return right - left;
}

static bool stands_beside(const Line *line, const Line *lines, uint32_t count)
{
    for (uint32_t index = 0; index < count; index++)
        if (same_row(line, &lines[index])) return true;
    return false;
}

// Whether the lines from `cut` on are values of those before it: half as wide, and each in a row with one of
// them.
static bool are_values(const Line *lines, uint32_t count, uint32_t cut)
{
    if (count == 2 || 2 * extent(lines + cut, count - cut) > extent(lines, cut)) return false;
    for (uint32_t index = cut; index < count; index++)
        if (!stands_beside(&lines[index], lines, cut)) return false;
    return true;
}

static void sort_lines(Line *lines, uint32_t count, int *heights)
{
    // The smaller side of a cut is a call, the other the next turn: the stack stays flat on any page.
    while (count > 1) {
        int height = median_height(lines, count, heights);
        qsort(lines, count, sizeof *lines, by_top);
        uint32_t cut = widest_gap(lines, count, true, height + height / 2);
        if (cut == 0) {
            qsort(lines, count, sizeof *lines, by_left);
            cut = widest_gap(lines, count, false, height);
            if (cut > 0 && are_values(lines, count, cut)) cut = 0;
        }
        if (cut == 0) {
            qsort(lines, count, sizeof *lines, by_top);
            cut = widest_gap(lines, count, true, 1);
        }
        if (cut == 0) {
            sort_rows(lines, count);
            return;
        }
        if (cut <= count / 2) {
            sort_lines(lines, cut, heights);
            lines += cut;
            count -= cut;
        } else {
            sort_lines(lines + cut, count - cut, heights);
            count = cut;
        }
    }
}

// -----------------------------------------------------------------------------------------------------------
// Text

static GatehouseSpan span_of(const Line *line, uint64_t begin, uint64_t end)
{
    return (GatehouseSpan){.begin = begin,
                           .end = end,
                           .start_seconds = NAN,
                           .end_seconds = NAN,
                           .confidence = line->confidence};
}

bool reading_make(Lines *lines, Reading *reading)
{
    uint64_t size = 0;
    for (uint32_t index = 0; index < lines->count; index++) size += strlen(lines->lines[index].text) + 2;
    char *text = malloc(size + 1);
    GatehouseSpan *spans = malloc((lines->count + 1) * sizeof *spans);
    int *heights = malloc((lines->count + 1) * sizeof *heights);
    if (!text || !spans || !heights) {
        free(text);
        free(spans);
        free(heights);
        return false;
    }
    sort_lines(lines->lines, lines->count, heights);
    free(heights);

    uint64_t at = 0;
    for (uint32_t index = 0; index < lines->count; index++) {
        const Line *line = &lines->lines[index];
        if (index > 0) {
            const Line *previous = line - 1;
            bool row = same_row(previous, line) && line->left >= previous->right;
            memcpy(text + at, row ? "  " : "\n", row ? 2 : 1);
            at += row ? 2 : 1;
        }
        uint64_t length = strlen(line->text);
        memcpy(text + at, line->text, length);
        spans[index] = span_of(line, at, at + length);
        at += length;
    }
    *reading = (Reading){.text = text, .size = at, .spans = spans, .span_count = lines->count};
    return true;
}

void reading_free(Reading *reading)
{
    free(reading->text);
    free(reading->spans);
    *reading = (Reading){0};
}
