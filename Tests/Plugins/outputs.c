// Plugins that keep the rules: every kind of output, and ways to take long or to end badly.

#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

#define ENCODE(name)                                                                                     \
    static GatehouseStatus name(                                                                         \
        __attribute__((unused)) const Fixture *fixture, __attribute__((unused)) const GatehouseJob *job, \
        __attribute__((unused)) const GatehouseInput *input, __attribute__((unused)) const GatehouseSink *sink)

static void sleep_milliseconds(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

// Each part's bytes as text.
ENCODE(echo) {
    for (uint32_t i = 0; i < input->part_count; i++) {
        GatehouseStatus status =
            fixture_say(sink, i, (const char *)input->parts[i].data, input->parts[i].size);
        if (status != GATEHOUSE_OK) return status;
    }
    return GATEHOUSE_OK;
}

// What create and encode were given.
ENCODE(facts) {
    char text[600];
    int size = snprintf(
        text, sizeof text, "threads %u, configuration %s, part of %llu bytes, %s, pid %d", fixture->threads,
        fixture->configuration, (unsigned long long)input->parts[0].size, input->parts[0].media_type,
        (int)getpid());
    return fixture_say(sink, 0, text, (uint64_t)size);
}

// Two spans that touch, in two calls of text.
ENCODE(spans) {
    GatehouseSpan first = {.begin = 0, .end = 5, .start_seconds = 0, .end_seconds = 0.5, .confidence = 0.75f};
    GatehouseSpan second = {.begin = 5, .end = 11, .start_seconds = 0.5, .end_seconds = 2, .confidence = 1};
    GatehouseText one = {
        .struct_size = sizeof one, .span_count = 1, .data = "hello", .size = 5, .spans = &first};
    GatehouseText two = {
        .struct_size = sizeof two, .span_count = 1, .data = " world", .size = 6, .spans = &second};
    GatehouseStatus status = sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_TEXT, 0);
    if (status == GATEHOUSE_OK) status = sink->text(sink->ctx, &one);
    if (status == GATEHOUSE_OK) status = sink->text(sink->ctx, &two);
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

enum { ROWS = 6 };
// Six rows in a grid of 1 × 2 × 3.
static const int32_t positions[ROWS][3] = {{0, 0, 0}, {0, 0, 1}, {0, 0, 2}, {0, 1, 0}, {0, 1, 1}, {0, 1, 2}};

// Element j of row i is i + j / 4: exact in every element type for widths below 64.
static float element(uint32_t row, uint32_t column) {
    return (float)row + (float)column / 4;
}

static GatehouseRows shape(const Fixture *fixture, uint32_t type) {
    uint32_t width = fixture_width(fixture);
    return (GatehouseRows){
        .struct_size = sizeof(GatehouseRows),
        .element_type = type,
        .rows = ROWS,
        .width = width,
        .stride = (uint64_t)width * (type == GATEHOUSE_FLOAT32 ? 4 : 2),
        .axes = 3,
        .grid_t = 1,
        .grid_h = 2,
        .grid_w = 3,
        .positions = &positions[0][0],
    };
}

static GatehouseStatus send_rows(const GatehouseSink *sink, const GatehouseRows *rows) {
    GatehouseStatus status = sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_ROWS, rows->rows);
    if (status == GATEHOUSE_OK) status = sink->rows(sink->ctx, rows);
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

// Copied in, with room between the rows.
ENCODE(rows) {
    GatehouseRows view = shape(fixture, GATEHOUSE_FLOAT32);
    uint32_t pitch = view.width + 3;
    float *data = calloc((size_t)ROWS * pitch, sizeof *data);
    if (!data) return GATEHOUSE_OUT_OF_MEMORY;
    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t j = 0; j < view.width; j++) data[i * pitch + j] = element(i, j);
    }
    view.data = data;
    view.stride = pitch * sizeof *data;
    GatehouseStatus status = send_rows(sink, &view);
    free(data);
    return status;
}

// Written in place, two rows at a time; the last time four are acquired and two kept. Memory must come zeroed.
ENCODE(rows_in_place) {
    GatehouseRows view = shape(fixture, GATEHOUSE_FLOAT32);
    GatehouseStatus status = sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_ROWS, ROWS);
    for (uint32_t i = 0; i < ROWS && status == GATEHOUSE_OK; i += 2) {
        view.rows = i + 4 <= ROWS ? 4 : 2;
        view.positions = &positions[i][0];
        void *memory = NULL;
        status = sink->acquire_rows(sink->ctx, &view, &memory);
        if (status != GATEHOUSE_OK) return status;
        float *data = memory;
        for (uint32_t j = 0; j < view.rows * view.width; j++) {
            if (data[j] != 0) {
                fixture_fail(fixture->host, "the memory was not zeroed");
                return GATEHOUSE_FAILED;
            }
            data[j] = element(i + j / view.width, j % view.width);
        }
        status = sink->commit_rows(sink->ctx, 2);
    }
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

static GatehouseStatus half_rows(const Fixture *fixture, const GatehouseSink *sink, uint32_t type) {
    GatehouseRows view = shape(fixture, type);
    uint16_t *data = calloc((size_t)ROWS * view.width, sizeof *data);
    if (!data) return GATEHOUSE_OUT_OF_MEMORY;
    for (uint32_t i = 0; i < ROWS * view.width; i++) {
        float value = element(i / view.width, i % view.width);
        if (type == GATEHOUSE_FLOAT16) {
            _Float16 half = (_Float16)value;
            memcpy(&data[i], &half, sizeof half);
        } else {
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            data[i] = (uint16_t)(bits >> 16);
        }
    }
    view.data = data;
    GatehouseStatus status = send_rows(sink, &view);
    free(data);
    return status;
}

ENCODE(rows_float16) {
    return half_rows(fixture, sink, GATEHOUSE_FLOAT16);
}

ENCODE(rows_bfloat16) {
    return half_rows(fixture, sink, GATEHOUSE_BFLOAT16);
}

// "the cat" most likely; the first slot may also be "a".
ENCODE(soft) {
    const uint32_t slots[] = {0, 2, 3};
    const uint32_t pieces[] = {0, 3, 4, 8};
    const float weights[] = {0.75f, 0.25f, 0.5f};
    GatehouseSoft view = {
        .struct_size = sizeof view,
        .slot_count = 2,
        .slot_offsets = slots,
        .piece_offsets = pieces,
        .bytes = "thea cat",
        .weights = weights,
    };
    GatehouseStatus status = sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_SOFT, 2);
    if (status == GATEHOUSE_OK) status = sink->soft(sink->ctx, &view);
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

// The number of this call in the life of the process; fails when two calls overlap. Input "hold": works until it is
// cancelled, and does not count.
ENCODE(turns) {
    static int inside, calls;
    if (input->parts[0].size == 4 && !memcmp(input->parts[0].data, "hold", 4)) {
        fixture->host->log(fixture->host->ctx, GATEHOUSE_LOG_INFO, "began", 5);
        while (!job->cancelled(job->ctx)) sleep_milliseconds(1);
        return GATEHOUSE_CANCELLED;
    }
    if (__atomic_exchange_n(&inside, 1, __ATOMIC_SEQ_CST)) {
        fixture_fail(fixture->host, "two calls at once");
        return GATEHOUSE_FAILED;
    }
    sleep_milliseconds(2);
    char text[64];
    int size = snprintf(text, sizeof text, "%d:%.*s", calls++, (int)input->parts[0].size, input->parts[0].data);
    __atomic_store_n(&inside, 0, __ATOMIC_SEQ_CST);
    return fixture_say(sink, 0, text, (uint64_t)size);
}

// Input "go": answers at once. Else: says that it began, then works until it is cancelled, for a minute at most.
ENCODE(slow) {
    if (input->parts[0].size == 2) return fixture_say(sink, 0, "went", 4);
    fixture->host->log(fixture->host->ctx, GATEHOUSE_LOG_INFO, "began", 5);
    for (int i = 0; i < 6000; i++) {
        if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
        job->progress(job->ctx, i / 6000.0);
        sleep_milliseconds(10);
    }
    return fixture_say(sink, 0, "finished", 8);
}

// The same, without ever looking whether it was cancelled.
ENCODE(deaf) {
    if (input->parts[0].size == 2) return fixture_say(sink, 0, "went", 4);
    fixture->host->log(fixture->host->ctx, GATEHOUSE_LOG_INFO, "began", 5);
    for (int i = 0; i < 60; i++) sleep_milliseconds(1000);
    return fixture_say(sink, 0, "finished", 8);
}

// A file that is not what it should be.
ENCODE(refuse) {
    fixture_fail(fixture->host, "the picture is cut short at byte 7");
    return GATEHOUSE_BAD_INPUT;
}

// The Swift runtime of the worker catches the signal, prints a backtrace and returns: only a real fault comes again.
static void fault(void) {
    volatile int *volatile nowhere = NULL;
    *nowhere = 0;
}

ENCODE(crash) {
    fault();
    return GATEHOUSE_OK;
}

ENCODE(give_up) {
    abort();
}

ENCODE(leave) {
    exit(7);
}

// Hangs up on the host and lives on.
ENCODE(mute) {
    shutdown(3, SHUT_RDWR);
    return pause();
}

static GatehouseStatus crash_in_create(const GatehouseHost *host, const GatehouseJob *job) {
    (void)host, (void)job;
    fault();
    return GATEHOUSE_OK;
}

static GatehouseStatus hang_in_create(const GatehouseHost *host, const GatehouseJob *job) {
    (void)job;
    host->log(host->ctx, GATEHOUSE_LOG_INFO, "began", 5);
    return pause();
}

static GatehouseStatus fail_in_create(const GatehouseHost *host, const GatehouseJob *job) {
    (void)job;
    fixture_fail(host, "weights.bin: expected 12 bytes, found 3");
    return GATEHOUSE_NO_WEIGHTS;
}

// A flood of log lines, then the part's bytes.
ENCODE(chatter) {
    for (int i = 0; i < 5000; i++) {
        fixture->host->log(fixture->host->ctx, GATEHOUSE_LOG_INFO, "line", 4);
        if (job->progress) job->progress(job->ctx, i / 5000.0);
    }
    return echo(fixture, job, input, sink);
}

// Never returns, and does not look whether it should.
ENCODE(loop) {
    for (volatile unsigned i = 0; i + 1; i = 0) {}
    return GATEHOUSE_FAILED;
}

// Takes 96 MiB and holds them until it is cancelled.
ENCODE(hoard) {
    size_t size = (size_t)96 << 20;
    // Volatile, as the compiler may drop memory that nobody reads.
    volatile char *memory = malloc(size);
    if (!memory) return GATEHOUSE_OUT_OF_MEMORY;
    for (size_t i = 0; i < size; i += 4096) memory[i] = 1;
    while (!job->cancelled(job->ctx)) sleep_milliseconds(5);
    free((void *)memory);
    return GATEHOUSE_CANCELLED;
}

// Asks for 512 MiB at once, and says what came of it.
ENCODE(reserve) {
    // Volatile, as the compiler may drop memory that nobody reads.
    void *volatile memory = malloc((size_t)512 << 20);
    const char *words = memory ? "granted" : "refused";
    free(memory);
    return fixture_say(sink, 0, words, strlen(words));
}

// Calls the host for ten seconds, whatever becomes of the instance that it was lent to.
static void *talk(void *host) {
    const GatehouseHost *lent = host;
    for (int i = 0; i < 10000; i++) {
        lent->log(lent->ctx, GATEHOUSE_LOG_INFO, "still here", 10);
        lent->set_error(lent->ctx, "still here", 10);
        sleep_milliseconds(1);
    }
    return NULL;
}

// Leaves a thread behind that does not know when to stop.
ENCODE(haunt) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, talk, (void *)fixture->host)) return GATEHOUSE_FAILED;
    pthread_detach(thread);
    return fixture_say(sink, 0, "boo", 3);
}

// The part "crash" ends the process; any other comes back.
ENCODE(touchy) {
    if (input->parts[0].size == 5 && !memcmp(input->parts[0].data, "crash", 5)) abort();
    return echo(fixture, job, input, sink);
}

// As touchy; the part "wait" waits until it is cancelled.
ENCODE(touchy_slow) {
    if (input->parts[0].size == 4 && !memcmp(input->parts[0].data, "wait", 4)) {
        fixture->host->log(fixture->host->ctx, GATEHOUSE_LOG_INFO, "began", 5);
        while (!job->cancelled(job->ctx)) sleep_milliseconds(1);
        return GATEHOUSE_CANCELLED;
    }
    return touchy(fixture, job, input, sink);
}

// Each part's bytes as text, after 2 ms.
ENCODE(answer_late) {
    sleep_milliseconds(2);
    return echo(fixture, job, input, sink);
}

const FixtureKind fixture_outputs[] = {
    {"echo", GATEHOUSE_OUTPUT_TEXT, echo, 0, NULL},
    {"facts", GATEHOUSE_OUTPUT_TEXT, facts, 0, NULL},
    {"spans", GATEHOUSE_OUTPUT_TEXT, spans, 0, NULL},
    {"rows", GATEHOUSE_OUTPUT_ROWS, rows, ROWS, NULL},
    {"rows-in-place", GATEHOUSE_OUTPUT_ROWS, rows_in_place, ROWS, NULL},
    {"rows-float16", GATEHOUSE_OUTPUT_ROWS, rows_float16, 0, NULL},
    {"rows-bfloat16", GATEHOUSE_OUTPUT_ROWS, rows_bfloat16, 0, NULL},
    {"soft", GATEHOUSE_OUTPUT_SOFT, soft, 2, NULL},
    {"turns", GATEHOUSE_OUTPUT_TEXT, turns, 0, NULL},
    {"slow", GATEHOUSE_OUTPUT_TEXT, slow, 0, NULL},
    {"deaf", GATEHOUSE_OUTPUT_TEXT, deaf, 0, NULL},
    {"chatter", GATEHOUSE_OUTPUT_TEXT, chatter, 0, NULL},
    {"loop", GATEHOUSE_OUTPUT_TEXT, loop, 0, NULL},
    {"hoard", GATEHOUSE_OUTPUT_TEXT, hoard, 0, NULL},
    {"haunt", GATEHOUSE_OUTPUT_TEXT, haunt, 0, NULL},
    {"reserve", GATEHOUSE_OUTPUT_TEXT, reserve, 0, NULL},
    {"touchy", GATEHOUSE_OUTPUT_TEXT, touchy, 0, NULL},
    {"touchy-slow", GATEHOUSE_OUTPUT_TEXT, touchy_slow, 0, NULL},
    {"answer-late", GATEHOUSE_OUTPUT_TEXT, answer_late, 0, NULL},
    {"refuse", GATEHOUSE_OUTPUT_TEXT, refuse, 0, NULL},
    {"crash", GATEHOUSE_OUTPUT_TEXT, crash, 0, NULL},
    {"abort", GATEHOUSE_OUTPUT_TEXT, give_up, 0, NULL},
    {"exit", GATEHOUSE_OUTPUT_TEXT, leave, 0, NULL},
    {"mute", GATEHOUSE_OUTPUT_TEXT, mute, 0, NULL},
    {"crash-in-create", GATEHOUSE_OUTPUT_TEXT, echo, 0, crash_in_create},
    {"hang-in-create", GATEHOUSE_OUTPUT_TEXT, echo, 0, hang_in_create},
    {"fail-in-create", GATEHOUSE_OUTPUT_TEXT, echo, 0, fail_in_create},
    {NULL, 0, NULL, 0, NULL},
};
