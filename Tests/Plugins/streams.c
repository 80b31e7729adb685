// A plugin of live streams that says how many frames each push had: "3 5 …" and at the end "3 5 end". Its stream's
// configuration may hold a word that makes it misbehave.

#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fixture.h"

enum { MOST_STREAMS = 4 };

typedef struct Stream {
    GatehouseStream block;
    const Fixture *fixture;
    char configuration[128];
    uint32_t sample_rate;
    uint64_t size, revision, frames;
    int is_over;
} Stream;

static int has(const Stream *stream, const char *word) {
    return strstr(stream->configuration, word) != NULL;
}

static void note(const Fixture *fixture, const char *words) {
    fixture->host->log(fixture->host->ctx, GATEHOUSE_LOG_INFO, words, strlen(words));
}

static GatehouseStatus tell(
    Stream *stream, const char *settled, const char *tail, int is_final, const GatehouseStreamSink *sink) {
    char text[64];
    snprintf(text, sizeof text, "%s%s", settled, tail);
    double seconds = (double)stream->frames / stream->sample_rate;
    GatehouseSpan span = {
        .begin = stream->size, .end = stream->size + strlen(settled), .start_seconds = 0, .end_seconds = seconds,
        .confidence = 0.5f};
    GatehouseText view = {
        .struct_size = sizeof view, .data = text, .size = strlen(text), .span_count = *settled ? 1 : 0, .spans = &span};
    GatehousePartial partial = {
        .struct_size = sizeof partial, .is_final = (uint32_t)is_final, .revision = ++stream->revision,
        .offset = has(stream, "lie") ? 0 : stream->size, .end_seconds = seconds, .text = &view};
    stream->size = partial.stable = stream->size + strlen(settled);
    return sink->partial(sink->ctx, &partial);
}

static GatehouseStatus push(
    void *ctx, const GatehouseJob *job, const float *samples, uint64_t frames, const GatehouseStreamSink *sink) {
    Stream *stream = ctx;
    const struct timespec millisecond = {0, 1000000};
    char word[32];
    (void)samples;
    if (frames == 0) return GATEHOUSE_OK;
    if (has(stream, "crash")) abort();
    if (has(stream, "hang") || has(stream, "loop")) note(stream->fixture, "began");
    while (has(stream, "loop")) nanosleep(&millisecond, NULL);
    while (has(stream, "hang")) {
        if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
        nanosleep(&millisecond, NULL);
    }
    if (has(stream, "deaf")) {
        fixture_fail(stream->fixture->host, "nothing is to be heard");
        return GATEHOUSE_BAD_INPUT;
    }
    stream->frames += frames;
    snprintf(word, sizeof word, "%llu ", (unsigned long long)frames);
    return tell(stream, word, "…", 0, sink);
}

static GatehouseStatus finish(void *ctx, const GatehouseJob *job, const GatehouseStreamSink *sink) {
    Stream *stream = ctx;
    (void)job;
    return has(stream, "endless") ? GATEHOUSE_OK : tell(stream, "end", "", 1, sink);
}

static void close_stream(void *ctx) {
    Stream *stream = ctx;
    note(stream->fixture, "closed");
    free(stream);
}

static GatehouseStatus open_stream(
    void *ctx, const GatehouseJob *job, const GatehouseStreamFormat *format, const GatehouseStream **opened) {
    Fixture *fixture = ctx;
    (void)job;
    Stream *stream = calloc(1, sizeof *stream);
    if (!stream) return GATEHOUSE_OUT_OF_MEMORY;
    snprintf(stream->configuration, sizeof stream->configuration, "%.*s", (int)format->configuration_size,
             format->configuration);
    if (has(stream, "refuse")) {
        free(stream);
        fixture_fail(fixture->host, "refuse: expected no such key");
        return GATEHOUSE_BAD_CONFIGURATION;
    }
    stream->fixture = fixture;
    stream->sample_rate = format->sample_rate;
    stream->block = (GatehouseStream){
        .struct_size = sizeof stream->block, .ctx = stream, .push = push, .finish = finish, .close = close_stream};
    *opened = &stream->block;
    return GATEHOUSE_OK;
}

static const void *streaming(Fixture *fixture, const char *id) {
    if (strcmp(id, GATEHOUSE_STREAM) != 0) return NULL;
    fixture->streaming = (GatehouseStreaming){
        .struct_size = sizeof fixture->streaming, .most_streams = MOST_STREAMS, .ctx = fixture, .open = open_stream};
    return &fixture->streaming;
}

// Files are said back; "hold" works until it is cancelled.
static GatehouseStatus encode(
    const Fixture *fixture, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    const struct timespec millisecond = {0, 1000000};
    const GatehousePart *part = &input->parts[0];
    if (part->size == 4 && !memcmp(part->data, "hold", 4)) {
        note(fixture, "began");
        while (!job->cancelled(job->ctx)) nanosleep(&millisecond, NULL);
        return GATEHOUSE_CANCELLED;
    }
    return fixture_say(sink, 0, (const char *)part->data, part->size);
}

const FixtureKind fixture_streams[] = {
    {"stream", GATEHOUSE_OUTPUT_TEXT, encode, 0, NULL, streaming},
    {NULL, 0, NULL, 0, NULL, NULL},
};
