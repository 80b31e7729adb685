#include "reader.h"

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
        return fail(failure, GATEHOUSE_NO_WEIGHTS,
                    "Tesseract cannot load '%s' from %s: a .traineddata file there is damaged or has no LSTM model.",
                    configuration->languages, tessdata);
    }
    TessBaseAPISetPageSegMode(tesseract, PSM_AUTO);
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

// ---------------------------------------------------------------------------------------------------------------
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

// One thread, whatever the budget: Tesseract's OpenMP loops are so short that a second thread gains nothing, and on a
// busy machine its spinning costs seconds. They ask for four threads by name, which omp_set_num_threads would not
// change; a league of one team with a thread limit does, for this call alone and without starting a thread.
static int recognise(Reader *reader, ETEXT_DESC *monitor)
{
    int status = -1;
#pragma omp teams num_teams(1) thread_limit(1) shared(status)
    status = TessBaseAPIRecognize(reader->tesseract, monitor);
    return status;
}

// ---------------------------------------------------------------------------------------------------------------
// Words to lines

// The scalar at `text`, or before it where `backwards`; Tesseract's text is valid UTF-8.
static uint32_t scalar_at(const char *text, bool backwards)
{
    const unsigned char *byte = (const unsigned char *)text;
    if (backwards) do byte--; while ((*byte & 0xC0) == 0x80);
    if (*byte < 0x80) return *byte;
    int more = *byte >= 0xF0 ? 3 : *byte >= 0xE0 ? 2 : 1;
    uint32_t scalar = *byte & (0x3F >> more);
    while (more-- > 0) scalar = scalar << 6 | (*++byte & 0x3F);
    return scalar;
}

// Characters of Chinese and Japanese writing, their punctuation and full-width forms: written without spaces.
static bool is_han(uint32_t scalar)
{
    return (scalar >= 0x2E80 && scalar <= 0x9FFF) || (scalar >= 0xF900 && scalar <= 0xFAFF)
        || (scalar >= 0xFE30 && scalar <= 0xFE4F) || (scalar >= 0xFF00 && scalar <= 0xFFEF)
        || (scalar >= 0x20000 && scalar <= 0x3FFFF);
}

// What to write between two words of a line: Tesseract parts Chinese characters as if they were words.
static const char *separator(const char *left_end, const char *right)
{
    return is_han(scalar_at(left_end, true)) && is_han(scalar_at(right, false)) ? "" : " ";
}

typedef struct LineBuilder {
    Line line;
    size_t length;
    double weighted;  // sum of confidence × bytes
    size_t weight;
} LineBuilder;

static bool add_word(LineBuilder *builder, const char *word, float confidence, const int box[4])
{
    size_t length = strlen(word);
    Line *line = &builder->line;
    char *grown = realloc(line->text, builder->length + length + 3);
    if (!grown) return false;
    line->text = grown;
    if (builder->length > 0) {
        const char *between = separator(grown + builder->length, word);
        strcpy(grown + builder->length, between);
        builder->length += strlen(between);
    } else {
        *line = (Line){.left = box[0], .top = box[1], .right = box[2], .bottom = box[3], .text = grown};
    }
    strcpy(grown + builder->length, word);
    builder->length += length;
    if (box[1] < line->top) line->top = box[1];
    if (box[2] > line->right) line->right = box[2];
    if (box[3] > line->bottom) line->bottom = box[3];
    builder->weighted += (double)confidence * length;
    builder->weight += length;
    return true;
}

static bool finish_line(LineBuilder *builder, Lines *lines)
{
    Line line = builder->line;
    bool kept = true;
    if (builder->weight > 0) {
        line.confidence = (float)(builder->weighted / builder->weight);
        kept = lines_append(lines, &line);
    }
    *builder = (LineBuilder){0};
    return kept;
}

// Tesseract may join the lines of two columns, or a label and its value; reading.c decides which of them it is.
static bool is_across_a_gutter(const Line *line, const int box[4])
{
    return 2 * (box[0] - line->right) > 3 * (line->bottom - line->top) && line->bottom > line->top;
}

// The word under the iterator goes to the line, unless Tesseract doubts it too much or it is blank.
static bool take_word(const Reader *reader, TessResultIterator *words, LineBuilder *builder, Lines *lines)
{
    float confidence = TessResultIteratorConfidence(words, RIL_WORD) / 100;
    if (!(confidence >= reader->minimum_confidence)) return true;
    char *word = TessResultIteratorGetUTF8Text(words, RIL_WORD);
    int box[4];
    bool placed = TessPageIteratorBoundingBox(TessResultIteratorGetPageIteratorConst(words), RIL_WORD, &box[0], &box[1],
                                              &box[2], &box[3]);
    bool good = true;
    if (word && placed && is_across_a_gutter(&builder->line, box)) good = finish_line(builder, lines);
    if (good && word && placed && strspn(word, " \t\r\n") < strlen(word))
        good = add_word(builder, word, confidence > 1 ? 1 : confidence, box);
    TessDeleteText(word);
    return good;
}

static bool collect_lines(const Reader *reader, Lines *lines)
{
    TessResultIterator *words = TessBaseAPIGetIterator(reader->tesseract);
    if (!words) return true;  // nothing was found
    const TessPageIterator *place = TessResultIteratorGetPageIteratorConst(words);
    LineBuilder builder = {0};
    bool good = true;
    do {
        if (TessPageIteratorIsAtBeginningOf(place, RIL_TEXTLINE)) good = finish_line(&builder, lines);
        if (good) good = take_word(reader, words, &builder, lines);
    } while (good && TessResultIteratorNext(words, RIL_WORD));
    if (good) good = finish_line(&builder, lines);
    free(builder.line.text);
    TessResultIteratorDelete(words);
    return good;
}

GatehouseStatus reader_read(Reader *reader, PIX *page, const Share *share, Reading *reading, Failure *failure)
{
    ETEXT_DESC *monitor = TessMonitorCreate();
    if (!monitor) return fail(failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory to read the image.");
    TessMonitorSetCancelThis(monitor, (void *)share);
    TessMonitorSetCancelFunc(monitor, asks_to_cancel);
    TessMonitorSetProgressFunc(monitor, tell_progress);

    reader_forget(reader);
    TessBaseAPISetImage2(reader->tesseract, page);
    TessBaseAPISetSourceResolution(reader->tesseract, 150);
    int bad = recognise(reader, monitor);
    TessMonitorDelete(monitor);

    GatehouseStatus status = GATEHOUSE_OK;
    Lines lines = {0};
    if (share->job->cancelled(share->job->ctx))
        status = GATEHOUSE_CANCELLED;
    else if (bad)
        status = fail(failure, GATEHOUSE_FAILED, "Tesseract could not read the image.");
    else if (!collect_lines(reader, &lines) || !reading_make(&lines, reading))
        status = fail(failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory for the text of the image.");
    lines_free(&lines);
    reader_forget(reader);
    return status;
}
