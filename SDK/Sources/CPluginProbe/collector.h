// A sink that holds what it receives to the rules of gatehouse.h. It accepts what breaks a rule, so that one mistake
// is found by one test, but reads no memory that a broken struct points to.

#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <pthread.h>
#include <stdint.h>

#include "gatehouse.h"

// The rules, by what they speak of.
typedef enum Rule {
    RULE_SEGMENTS,   // begin, end, order of parts, kinds as declared
    RULE_TEXT,
    RULE_SPANS,
    RULE_SOFT,
    RULE_ROWS,
    RULE_POSITIONS,
    RULE_BOUND,      // most_slots of the instance
    RULE_COUNT,
} Rule;

typedef struct Collector {
    GatehouseSink sink;         // its ctx is this collector
    GatehouseOutputs outputs;   // what the instance declared
    uint32_t part_count;

    // Refuse the call with this number, counted from 1, with `refusal`; 0 refuses none.
    uint32_t refuse_at;
    GatehouseStatus refusal;

    // What came.
    uint32_t calls;
    uint32_t calls_after_refusal;
    uint32_t segments;
    uint64_t parts_seen;        // bit i: part i had a segment; parts above 63 are not told apart
    uint64_t digest;            // of everything, in order, without part numbers
    char broken[RULE_COUNT][256];  // the first breach of each rule, "" where there is none
    int is_over;                // set when encode returned; a call after that is a breach
    int was_late;

    // The open segment.
    int is_open;
    uint32_t part, kind;
    uint64_t text_size, last_span_end;
    uint64_t slots_of_part;
    unsigned char tail[3];      // bytes of a character that the next text call completes
    uint32_t tail_size;
    void *acquired;
    uint64_t acquired_size;
    GatehouseRows acquired_shape;
    pthread_mutex_t lock;
} Collector;

void collector_start(Collector *collector, const GatehouseOutputs *outputs, uint32_t part_count);
// To be called when encode returned with `status`.
void collector_finish(Collector *collector, GatehouseStatus status);

// Whether the bytes are UTF-8; an unfinished character at the end leaves its size in `unfinished`.
int is_utf8(const unsigned char *bytes, uint64_t size, uint32_t *unfinished);

#endif
