#include "reader.h"

#include "words.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tesseract/capi.h>

struct Reader {
    TessBaseAPI *tesseract;
    double minimum_confidence;  // 0 … 1
};

// Tesseract keeps some of its settings in globals that loading writes to.
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

GatehouseStatus reader_create(
    const char *tessdata, const Configuration *configuration, const GatehouseJob *job, Reader **reader,
    Failure *failure)
{
    Reader *made = calloc(1, sizeof *made);
    TessBaseAPI *tesseract = TessBaseAPICreate();
    if (!made || !tesseract) {
        free(made);
        if (tesseract) TessBaseAPIDelete(tesseract);
        return fail(failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory to load the languages.");
    }
    *made = (Reader){.tesseract = tesseract,
                     .minimum_confidence = configuration->minimum_confidence};
    pthread_mutex_lock(&loading);
    TessBaseAPISetVariable(tesseract, "debug_file", "/dev/null");
    int bad = TessBaseAPIInit2(tesseract, tessdata, configuration->languages, OEM_LSTM_ONLY);
    pthread_mutex_unlock(&loading);
    if (bad || job->cancelled(job->ctx)) {
        reader_destroy(made);
        if (!bad) return GATEHOUSE_CANCELLED;
        return fail(
            failure, GATEHOUSE_NO_WEIGHTS,
            "Tesseract cannot load '%s' from %s: a .traineddata file there is damaged or has no LSTM model.",
            configuration->languages, tessdata);
    }
    job->progress(job->ctx, 1);
    *reader = made;
    return GATEHOUSE_OK;
}

void reader_destroy(Reader *reader)
{
    TessBaseAPIEnd(reader->tesseract);
    TessBaseAPIDelete(reader->tesseract);
    free(reader);
}

void reader_forget(Reader *reader)
{
    TessBaseAPIClear(reader->tesseract);
    TessBaseAPIClearAdaptiveClassifier(reader->tesseract);
}

// -----------------------------------------------------------------------------------------------------------
// Recognising

static bool asks_to_cancel(void *share, int words)
{
    (void)words;
    const GatehouseJob *job = ((const Share *)share)->job;
    return job->cancelled(job->ctx) != 0;
}

static bool tell_progress(ETEXT_DESC *monitor, int left, int right, int top, int bottom)
{
    (void)left, (void)right, (void)top, (void)bottom;
    const Share *share = TessMonitorGetCancelThis(monitor);
    double done = TessMonitorGetProgress(monitor) / 100.0;
    if (done >= 0 && done <= 1) share->job->progress(share->job->ctx, share->begin + share->width * done);
    return true;
}

// One thread, whatever the budget: Tesseract's OpenMP loops are so short that a second thread gains nothing,
// and on a busy machine its spinning costs seconds. They ask for four threads by name, which
// omp_set_num_threads would not change; a league of one team with a thread limit does, for this call alone
// and without starting a thread.
static int recognise(Reader *reader, ETEXT_DESC *monitor)
{
    int status = -1;
#pragma omp teams num_teams(1) thread_limit(1) shared(status)
    status = TessBaseAPIRecognize(reader->tesseract, monitor);
    return status;
}

// -----------------------------------------------------------------------------------------------------------
// Words to lines

// Tesseract may join the lines of two columns, or a label and its value; reading.c decides which of them it
// is.
static bool is_across_a_gutter(const Words *stretch, const Word *word)
{
    if (stretch->count == 0) return false;
    const Word *last = &stretch->words[stretch->count - 1];
    int height = last->bottom - last->top, next = word->bottom - word->top;  // one of them may be a bullet
    if (next > height) height = next;
    return 2 * (word->left - last->right) > 3 * height && height > 0;
}

static bool finish_stretch(Words *stretch, double minimum, double least, Lines *lines)
{
    words_drop_junk(stretch, minimum, least);
    Line line;
    bool good = stretch->count == 0 || (words_join(stretch, &line) && lines_append(lines, &line));
    words_free(stretch);
    return good;
}

// The word under the iterator goes to the stretch, unless it is blank.
static bool take_word(
    const Reader *reader, TessResultIterator *iterator, double least, Words *stretch, Lines *lines)
{
    float confidence = TessResultIteratorConfidence(iterator, RIL_WORD) / 100;
    Word word = {.confidence = confidence > 0 ? fminf(confidence, 1) : 0};
    char *text = TessResultIteratorGetUTF8Text(iterator, RIL_WORD);
    bool placed = TessPageIteratorBoundingBox(TessResultIteratorGetPageIteratorConst(iterator), RIL_WORD,
                                              &word.left, &word.top, &word.right, &word.bottom);
    bool good = true;
    if (text && placed && strspn(text, " \t\r\n") < strlen(text)) {
        if (is_across_a_gutter(stretch, &word))
            good = finish_stretch(stretch, reader->minimum_confidence, least, lines);
        word.text = good ? strdup(text) : NULL;
        good = word.text && words_append(stretch, &word);
    }
    TessDeleteText(text);
    return good;
}

// Adds what was recognised to `lines`, as far as a stretch's mean confidence is at least `least`.
static bool collect_lines(const Reader *reader, double least, Lines *lines)
{
    TessResultIterator *words = TessBaseAPIGetIterator(reader->tesseract);
    if (!words) return true;  // nothing was found
    const TessPageIterator *place = TessResultIteratorGetPageIteratorConst(words);
    Words stretch = {0};
    bool good = true;
    do {
        if (TessPageIteratorIsAtBeginningOf(place, RIL_TEXTLINE))
            good = finish_stretch(&stretch, reader->minimum_confidence, least, lines);
        if (good) good = take_word(reader, words, least, &stretch, lines);
    } while (good && TessResultIteratorNext(words, RIL_WORD));
    if (good) good = finish_stretch(&stretch, reader->minimum_confidence, least, lines);
    words_free(&stretch);
    TessResultIteratorDelete(words);
    return good;
}

// -----------------------------------------------------------------------------------------------------------
// Two looks
//
// The first look takes the page as a document, which reads sentences and columns best but passes over words
// that stand alone beside pictures. The second takes what is left as scattered words, and believes only what
// is clear.

typedef struct Look {
    TessPageSegMode mode;
    double least;         // mean confidence of a stretch
    double begin, width;  // of the picture's share of progress
} Look;

static const Look first_look = {.mode = PSM_AUTO, .least = 0.5, .begin = 0, .width = 0.8};
static const Look second_look = {.mode = PSM_SPARSE_TEXT, .least = 0.7, .begin = 0.8, .width = 0.2};

static GatehouseStatus look_at(
    Reader *reader, PIX *page, const Look *look, const Share *whole, Lines *lines, Failure *failure)
{
    Share share = {.job = whole->job,
                   .begin = whole->begin + whole->width * look->begin,
                   .width = whole->width * look->width};
    ETEXT_DESC *monitor = TessMonitorCreate();
    if (!monitor) return fail(failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory to read the image.");
    TessMonitorSetCancelThis(monitor, &share);
    TessMonitorSetCancelFunc(monitor, asks_to_cancel);
    TessMonitorSetProgressFunc(monitor, tell_progress);

    reader_forget(reader);
    TessBaseAPISetPageSegMode(reader->tesseract, look->mode);
    TessBaseAPISetImage2(reader->tesseract, page);
    TessBaseAPISetSourceResolution(reader->tesseract, 150);
    int bad = recognise(reader, monitor);
    TessMonitorDelete(monitor);

    if (share.job->cancelled(share.job->ctx)) return GATEHOUSE_CANCELLED;
    if (bad) return fail(failure, GATEHOUSE_FAILED, "Tesseract could not read the image.");
    if (!collect_lines(reader, look->least, lines))
        return fail(failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory for the text of the image.");
    return GATEHOUSE_OK;
}

// The page without what was read. NULL where nothing as high as a letter is left, or so much that it is
// texture, or there is no memory: the second look is an extra.
static PIX *what_is_left(PIX *page, const Lines *lines)
{
    enum { HALO = 2, LEAST_HEIGHT = 12, INK_LEVEL = 150, MOST_LETTERS = 1000 };
    PIX *left = pixCopy(NULL, page);
    for (uint32_t index = 0; left && index < lines->count; index++) {
        const Line *line = &lines->lines[index];
        BOX *box = boxCreateValid(L_MAX(0, line->left - HALO), L_MAX(0, line->top - HALO),
                                  line->right - line->left + 2 * HALO, line->bottom - line->top + 2 * HALO);
        if (box) pixSetInRect(left, box);
        boxDestroy(&box);
    }
    PIX *marks = left ? pixThresholdToBinary(left, INK_LEVEL) : NULL;
    BOXA *boxes = marks ? pixConnCompBB(marks, 8) : NULL;
    l_int32 letters = 0;
    for (l_int32 index = 0; boxes && index < boxaGetCount(boxes); index++) {
        l_int32 height = 0;
        boxaGetBoxGeometry(boxes, index, NULL, NULL, NULL, &height);
        letters += height >= LEAST_HEIGHT;
    }
    boxaDestroy(&boxes);
    pixDestroy(&marks);
    if (letters == 0 || letters > MOST_LETTERS) pixDestroy(&left);
    return left;
}

GatehouseStatus reader_read(Reader *reader, PIX *page, const Share *share, Reading *reading, Failure *failure)
{
    Lines lines = {0};
    GatehouseStatus status = look_at(reader, page, &first_look, share, &lines, failure);
    PIX *left = status == GATEHOUSE_OK ? what_is_left(page, &lines) : NULL;
    if (left) status = look_at(reader, left, &second_look, share, &lines, failure);
    pixDestroy(&left);
    if (status == GATEHOUSE_OK && !reading_make(&lines, reading))
        status = fail(failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory for the text of the image.");
    lines_free(&lines);
    reader_forget(reader);
    return status;
}
