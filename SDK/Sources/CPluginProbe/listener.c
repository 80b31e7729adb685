#include "listener.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SECONDS = 2 };

// ---------------------------------------------------------------------------------------------------------------
// Sound

static uint32_t number(const uint8_t *bytes, int size) {
    uint32_t value = 0;
    while (size--) value = value << 8 | bytes[size];
    return value;
}

// RIFF WAVE of 16-bit integers; no samples where it is something else.
static Sound wave(const uint8_t *bytes, uint64_t size) {
    Sound sound = {0};
    if (size < 12 || memcmp(bytes, "RIFF", 4) || memcmp(bytes + 8, "WAVE", 4)) return sound;
    for (uint64_t at = 12; at + 8 <= size;) {
        const uint8_t *chunk = bytes + at + 8;
        uint64_t length = number(bytes + at + 4, 4), left = size - at - 8;
        if (!memcmp(bytes + at, "fmt ", 4) && length >= 16 && left >= 16) {
            if (number(chunk, 2) != 1 || number(chunk + 14, 2) != 16) return sound;
            sound.channels = number(chunk + 2, 2);
            sound.sample_rate = number(chunk + 4, 4);
        } else if (!memcmp(bytes + at, "data", 4) && sound.channels && sound.sample_rate) {
            uint64_t frames = (length < left ? length : left) / 2 / sound.channels;
            uint64_t most = (uint64_t)sound.sample_rate * MOST_SECONDS;
            sound.frames = frames < most ? frames : most;
            sound.samples = calloc(sound.frames * sound.channels + 1, sizeof *sound.samples);
            for (uint64_t i = 0; sound.samples && i < sound.frames * sound.channels; i++) {
                sound.samples[i] = (float)(int16_t)number(chunk + 2 * i, 2) / 32768;
            }
            return sound;
        }
        at += 8 + length + (length & 1);
    }
    return sound;
}

Sound sound_of(const ProbeArguments *arguments) {
    int is_wave = arguments->input && arguments->media_type && !strcmp(arguments->media_type, "audio/wav");
    Sound sound = is_wave ? wave(arguments->input, arguments->input_size) : (Sound){0};
    if (sound.samples && sound.frames) return sound;
    sound = (Sound){.frames = 16000 * MOST_SECONDS, .sample_rate = 16000, .channels = 1};
    sound.samples = calloc(sound.frames, sizeof *sound.samples);
    if (!sound.samples) fail("the checker has no memory");
    for (uint64_t i = 0; i < sound.frames; i++) {
        int is_loud = i / 1600 % 3 != 0;
        sound.samples[i] = is_loud ? 0.3f * sinf((float)i * 0.2749f) : 0;
    }
    return sound;
}

// ---------------------------------------------------------------------------------------------------------------
// Rules

static void breach(Listener *listener, const char *format, ...) {
    if (listener->broken[0]) return;
    va_list list;
    va_start(list, format);
    vsnprintf(listener->broken, sizeof listener->broken, format, list);
    va_end(list);
}

#define LL(number) ((unsigned long long)(number))

static void check_spans(Listener *listener, const GatehousePartial *partial) {
    uint64_t last = partial->offset, size = partial->offset + partial->text->size;
    for (uint32_t i = 0; i < partial->text->span_count; i++) {
        const GatehouseSpan *span = &partial->text->spans[i];
        if (span->begin < last || span->end < span->begin || span->end > size) {
            breach(listener, "span %u is %llu to %llu, in a text from %llu to %llu whose spans are sorted and apart", i,
                   LL(span->begin), LL(span->end), LL(partial->offset), LL(size));
        } else if (span->end_seconds < span->start_seconds || span->start_seconds < 0) {
            breach(listener, "span %u lasts from %g to %g s", i, span->start_seconds, span->end_seconds);
        } else if (span->confidence < 0 || span->confidence > 1) {
            breach(listener, "span %u has a confidence of %g", i, (double)span->confidence);
        }
        last = span->end;
    }
}

static void check_times(Listener *listener, const GatehousePartial *partial) {
    double start = partial->start_seconds, end = partial->end_seconds;
    double heard = (double)listener->given / listener->sound->sample_rate;
    if (!(start >= 0 && start <= end && isfinite(end))) {
        breach(listener, "a partial rests on the sound from %g to %g s", start, end);
    } else if (end > heard + 1) {
        breach(listener, "a partial rests on the sound up to %g s, when %g s had been given", end, heard);
    }
}

static int is_boundary(const char *text, uint64_t size, uint64_t at) {
    return at == size || (text[at] & 0xC0) != 0x80;
}

static void take_text(Listener *listener, const GatehousePartial *partial) {
    uint64_t size = partial->offset + partial->text->size;
    uint32_t unfinished;
    if (partial->offset > listener->stable) {
        breach(listener, "a partial begins at byte %llu, beyond the %llu that were stable", LL(partial->offset),
               LL(listener->stable));
        return;
    }
    if (partial->text->size > MOST_HEARD - partial->offset) fail("two seconds of sound became over a megabyte of text");
    uint64_t kept = listener->stable - partial->offset;
    if (kept > partial->text->size || (kept && memcmp(listener->text + partial->offset, partial->text->data, kept))) {
        breach(listener, "stable text changed: partial %u has other bytes before byte %llu", listener->partials,
               LL(listener->stable));
    }
    if (partial->text->size) memcpy(listener->text + partial->offset, partial->text->data, partial->text->size);
    listener->size = size;
    if (!is_utf8((const unsigned char *)listener->text, size, &unfinished) || unfinished) {
        breach(listener, "the text of partial %u is no UTF-8, or ends inside a character", listener->partials);
    }
    if (partial->stable < listener->stable) {
        breach(listener, "stable fell from %llu to %llu", LL(listener->stable), LL(partial->stable));
    } else if (partial->stable > size) {
        breach(listener, "stable is %llu in a text of %llu bytes", LL(partial->stable), LL(size));
    } else if (!is_boundary(listener->text, size, partial->stable)) {
        breach(listener, "stable is %llu, inside a character", LL(partial->stable));
    } else if (partial->is_final && partial->stable != size) {
        breach(listener, "the final partial leaves %llu bytes unstable", LL(size - partial->stable));
    } else {
        listener->stable = partial->stable;
    }
}

static GatehouseStatus take_partial(void *ctx, const GatehousePartial *partial) {
    Listener *listener = ctx;
    if (!listener->is_inside) listener->was_late = 1;
    if (listener->refuse_at && listener->partials >= listener->refuse_at) listener->calls_after_refusal++;
    listener->partials++;
    if (listener->partials == listener->refuse_at) return listener->refusal;
    if (!gatehouse_check_partial(partial)) {
        breach(listener, "a partial has another struct_size than %zu, or lacks text or spans", sizeof *partial);
        return GATEHOUSE_OK;
    }
    if (listener->is_final) breach(listener, "a partial came after the final one");
    if (partial->is_final > 1 || (partial->is_final && !listener->is_finishing)) {
        breach(listener, "a partial of push says that it is final");
    }
    if (partial->revision != listener->partials) {
        breach(listener, "partial %u has revision %llu", listener->partials, LL(partial->revision));
    }
    check_times(listener, partial);
    check_spans(listener, partial);
    take_text(listener, partial);
    listener->is_final |= partial->is_final;
    return GATEHOUSE_OK;
}

// ---------------------------------------------------------------------------------------------------------------
// Calls

const GatehouseStreaming *streaming_of(const Subject *subject) {
    const GatehouseStreaming *streaming =
        subject->face->extension ? subject->face->extension(subject->face->ctx, GATEHOUSE_STREAM) : NULL;
    if (!streaming) skip("the instance has no " GATEHOUSE_STREAM);
    if (!gatehouse_check_streaming(streaming)) {
        fail("its GatehouseStreaming has another struct_size than %zu, lacks its function, or holds no stream",
             sizeof *streaming);
    }
    return streaming;
}

void listener_open(Listener *listener, Subject *subject, const Sound *sound) {
    const GatehouseStreaming *streaming = streaming_of(subject);
    GatehouseStreamFormat format = {
        .struct_size = sizeof format, .sample_rate = sound->sample_rate, .channels = sound->channels,
        .configuration = "{}", .configuration_size = 2};
    *listener = (Listener){.sink = {.struct_size = sizeof listener->sink, .ctx = listener, .partial = take_partial},
                           .subject = subject, .sound = sound, .text = malloc(MOST_HEARD)};
    if (!listener->text) fail("the checker has no memory");
    job_start(&listener->job, 0);
    host_enter(&subject->host);
    GatehouseStatus status = streaming->open(streaming->ctx, &listener->job.face, &format, &listener->stream);
    host_leave(&subject->host);
    if (status != GATEHOUSE_OK) {
        fail("open returned %s for %u channels at %u Hz%s", status_name(status), sound->channels, sound->sample_rate,
             rig_words(&subject->host));
    }
    if (!gatehouse_check_stream(listener->stream)) {
        fail("the stream is NULL, has another struct_size than %zu, or lacks a function", sizeof *listener->stream);
    }
}

static void enter(Listener *listener) {
    job_start(&listener->job, listener->cancel_at);
    if (listener->cancel_at == 1) atomic_store(&listener->job.is_cancelled, 1);
    listener->is_inside = 1;
    host_enter(&listener->subject->host);
}

static GatehouseStatus leave(Listener *listener, GatehouseStatus status) {
    host_leave(&listener->subject->host);
    listener->is_inside = 0;
    atomic_store(&listener->job.is_over, 1);
    return status;
}

GatehouseStatus listener_push(Listener *listener, uint64_t frames) {
    const Sound *sound = listener->sound;
    uint64_t left = sound->frames - listener->given;
    if (frames > left) frames = left;
    const float *samples = sound->samples + listener->given * sound->channels;
    listener->given += frames;
    enter(listener);
    return leave(listener, listener->stream->push(
        listener->stream->ctx, &listener->job.face, samples, frames, &listener->sink));
}

GatehouseStatus listener_finish(Listener *listener) {
    enter(listener);
    listener->is_finishing = 1;
    GatehouseStatus status = listener->stream->finish(listener->stream->ctx, &listener->job.face, &listener->sink);
    listener->is_finishing = 0;
    return leave(listener, status);
}

void listener_close(Listener *listener) {
    host_enter(&listener->subject->host);
    listener->stream->close(listener->stream->ctx);
    host_leave(&listener->subject->host);
}

void listener_forget(Listener *listener) {
    free(listener->text);
    listener->text = NULL;
}

void listener_hear(Listener *listener, uint64_t block) {
    uint32_t state = 12345;
    while (listener->given < listener->sound->frames) {
        state = state * 1664525u + 1013904223u;  // Numerical Recipes, chapter 7
        GatehouseStatus status = listener_push(listener, block ? block : state >> 20);
        if (status != GATEHOUSE_OK) {
            fail("push returned %s%s", status_name(status), rig_words(&listener->subject->host));
        }
    }
    GatehouseStatus status = listener_finish(listener);
    if (status != GATEHOUSE_OK) {
        fail("finish returned %s%s", status_name(status), rig_words(&listener->subject->host));
    }
}
