// What takes a stream's partials, and holds them to the rules of gatehouse.h; and the sound that streams are fed.

#ifndef LISTENER_H
#define LISTENER_H

#include "rig.h"

typedef struct Sound {
    float *samples;
    uint64_t frames;
    uint32_t sample_rate, channels;
} Sound;

// At most two seconds: the author's input where it is a WAVE file of 16-bit samples, else bursts of a tone.
Sound sound_of(const ProbeArguments *arguments);

enum { MOST_HEARD = 1 << 20 };

// One open stream and what it said.
typedef struct Listener {
    GatehouseStreamSink sink;     // its ctx is this listener
    Subject *subject;
    const GatehouseStream *stream;
    const Sound *sound;
    Job job;                      // of the last call
    uint32_t cancel_at;           // of the next one; see Job
    uint32_t refuse_at;           // refuse the partial with this number, counted from 1; 0: none
    GatehouseStatus refusal;
    uint32_t partials, calls_after_refusal;
    uint64_t given;               // frames
    int is_inside, is_finishing, was_late, is_final;
    char *text;                   // MOST_HEARD bytes
    uint64_t size, stable;
    char broken[256];             // the first breach of a rule, "" where there is none
} Listener;

const GatehouseStreaming *streaming_of(const Subject *subject);

// Opens a stream of the sound's format; fails the test where that is refused.
void listener_open(Listener *listener, Subject *subject, const Sound *sound);
GatehouseStatus listener_push(Listener *listener, uint64_t frames);
GatehouseStatus listener_finish(Listener *listener);
// What it said stays until it is forgotten.
void listener_close(Listener *listener);
void listener_forget(Listener *listener);

// The sound to its end, in blocks of `block` frames, 0: of random sizes. Fails the test where it is not taken.
void listener_hear(Listener *listener, uint64_t block);

#endif
