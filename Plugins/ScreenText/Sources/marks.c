#include "marks.h"

typedef struct Mark {
    l_int32 left, top, width, height;
} Mark;

static Mark mark_at(BOXA *boxes, l_int32 index)
{
    Mark mark = {0};
    boxaGetBoxGeometry(boxes, index, &mark.left, &mark.top, &mark.width, &mark.height);
    return mark;
}

bool marks_are_noise(PIX *marks, l_int32 mark_count)
{
    enum { MOST_MARKS = 120000, MOST_INK_PERCENT = 35 };
    l_int32 ink = 0;
    pixCountPixels(marks, &ink, NULL);
    double pixels = (double)pixGetWidth(marks) * pixGetHeight(marks);
    return mark_count > MOST_MARKS || ink > pixels * MOST_INK_PERCENT / 100;
}

// The least height that so many percent of the marks do not exceed; 0 where there are none.
static l_int32 quantile(const l_int32 *histogram, l_int32 largest, l_int32 marks, l_int32 percent)
{
    l_int32 below = 0;
    for (l_int32 height = 0; height <= largest && marks > 0; height++)
        if ((below += histogram[height]) * 100 >= marks * percent) return height;
    return 0;
}

l_int32 marks_letter_height(BOXA *boxes)
{
    enum { SMALLEST = 4, LARGEST = 128 };
    l_int32 histogram[LARGEST + 1] = {0}, letters = 0;
    for (l_int32 index = 0; index < boxaGetCount(boxes); index++) {
        Mark mark = mark_at(boxes, index);
        if (mark.height < SMALLEST || mark.height > LARGEST || mark.width > 3 * mark.height
            || mark.height > 8 * mark.width)
            continue;
        histogram[mark.height]++;
        letters++;
    }
    // Han characters fall apart into marks of any height, and only the tallest are whole: twice as high as
    // the lower-case letters that go with them.
    return L_MAX(quantile(histogram, LARGEST, letters, 25), quantile(histogram, LARGEST, letters, 90) / 2);
}

// Whether the two could be parts of one word: side by side and close. A Han character may have several marks,
// some a third as high as it is.
static bool are_neighbours(Mark first, Mark second)
{
    l_int32 taller = L_MAX(first.height, second.height), lower = L_MIN(first.height, second.height);
    l_int32 overlap =
        L_MIN(first.top + first.height, second.top + second.height) - L_MAX(first.top, second.top);
    l_int32 gap =
        L_MAX(first.left, second.left) - L_MIN(first.left + first.width, second.left + second.width);
    return 3 * lower > taller && 2 * overlap > lower && 10 * gap < 3 * taller && 4 * gap > -taller;
}

static bool has_neighbour(BOXA *boxes, l_int32 mark)
{
    Mark own = mark_at(boxes, mark);
    for (l_int32 index = 0; index < boxaGetCount(boxes); index++)
        if (index != mark && are_neighbours(own, mark_at(boxes, index))) return true;
    return false;
}

// How many marks of a letter's height lie within the mark.
static l_int32 letters_inside(BOXA *boxes, Mark outer, l_int32 letter)
{
    l_int32 count = 0;
    for (l_int32 index = 0; index < boxaGetCount(boxes); index++) {
        Mark mark = mark_at(boxes, index);
        count += 4 * mark.height >= 3 * letter && 2 * mark.height < outer.height && mark.left > outer.left
                 && mark.top > outer.top && mark.left + mark.width < outer.left + outer.width
                 && mark.top + mark.height < outer.top + outer.height;
    }
    return count;
}

// A mark that is taller than letters are and stands alone: an avatar, an icon, a frame, a toggle.
static bool is_picture(BOXA *boxes, l_int32 index, l_int32 letter)
{
    Mark mark = mark_at(boxes, index);
    bool is_bar = 3 * mark.width < mark.height && mark.height < 6 * letter;  // a bracket, say
    if (5 * mark.height < 11 * letter || is_bar) return false;
    return mark.width > 4 * mark.height || mark.height > 12 * letter || !has_neighbour(boxes, index);
}

// Paints the mark white, and its grey edge with it.
static void erase_shape(PIX *ink, PIX *shape, Mark mark)
{
    enum { HALO = 4 };  // pixels
    PIX *wider = pixAddBorder(shape, HALO, 0);
    if (wider && pixDilateBrick(wider, wider, 2 * HALO + 1, 2 * HALO + 1))
        pixSetMaskedGeneral(ink, wider, 255, mark.left - HALO, mark.top - HALO);
    pixDestroy(&wider);
}

static void erase_box(PIX *ink, Mark mark)
{
    enum { HALO = 2 };
    BOX *box = boxCreateValid(L_MAX(0, mark.left - HALO), L_MAX(0, mark.top - HALO), mark.width + 2 * HALO,
                              mark.height + 2 * HALO);
    if (box) pixSetInRect(ink, box);
    boxDestroy(&box);
}

void marks_erase_pictures(PIX *ink, PIX *marks, l_int32 letter, const GatehouseJob *job)
{
    enum { MOST_MARKS = 20000 };  // a page of noise has more, and no pictures
    PIXA *shapes = NULL;
    BOXA *boxes = pixConnComp(marks, &shapes, 8);
    l_int32 count = boxes ? boxaGetCount(boxes) : 0;
    for (l_int32 index = 0; index < count && count <= MOST_MARKS; index++) {
        if (index % 64 == 63 && job->cancelled(job->ctx)) break;
        if (!is_picture(boxes, index, letter)) continue;
        Mark mark = mark_at(boxes, index);
        bool compact = mark.width < 8 * letter && mark.height < 8 * letter;
        if (compact && letters_inside(boxes, mark, letter) < 2) {
            erase_box(ink, mark);
        } else {
            PIX *shape = pixaGetPix(shapes, index, L_CLONE);
            erase_shape(ink, shape, mark);
            pixDestroy(&shape);
        }
    }
    pixaDestroy(&shapes);
    boxaDestroy(&boxes);
}
