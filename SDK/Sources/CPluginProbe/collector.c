#include "collector.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 1 << 28 };

static void breach(Collector *collector, Rule rule, const char *format, ...) {
    if (collector->broken[rule][0]) return;
    va_list list;
    va_start(list, format);
    vsnprintf(collector->broken[rule], sizeof collector->broken[rule], format, list);
    va_end(list);
}

// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
static void take(Collector *collector, const void *bytes, uint64_t size) {
    const unsigned char *byte = bytes;
    for (uint64_t i = 0; i < size; i++) collector->digest = (collector->digest ^ byte[i]) * 0x100000001b3u;
}

int is_utf8(const unsigned char *bytes, uint64_t size, uint32_t *unfinished) {
    *unfinished = 0;
    for (uint64_t i = 0; i < size;) {
        unsigned char lead = bytes[i];
        uint32_t length = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : (lead & 0xF0) == 0xE0 ? 3
            : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
        if (!length) return 0;
        for (uint32_t j = 1; j < length; j++) {
            if (i + j == size) {
                *unfinished = j;
                return 1;
            }
            unsigned char next = bytes[i + j];
            // No overlong form, no surrogate, nothing above U+10FFFF (RFC 3629).
            unsigned char low = j > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
            unsigned char high = j > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
            if (next < low || next > high) return 0;
        }
        i += length;
    }
    return 1;
}

// Counts a call; returns what the sink is to answer at once, or -1 to go on.
static GatehouseStatus enter(Collector *collector) {
    pthread_mutex_lock(&collector->lock);
    if (collector->is_over) collector->was_late = 1;
    if (collector->refuse_at && collector->calls >= collector->refuse_at) collector->calls_after_refusal++;
    collector->calls++;
    if (collector->refuse_at && collector->calls >= collector->refuse_at) {
        pthread_mutex_unlock(&collector->lock);
        return collector->refusal;
    }
    return -1;
}

static GatehouseStatus leave(Collector *collector) {
    pthread_mutex_unlock(&collector->lock);
    return GATEHOUSE_OK;
}

#define ENTER()                                   \
    Collector *collector = ctx;                   \
    GatehouseStatus refused = enter(collector);   \
    if (refused != -1) return refused

static void count_slots(Collector *collector, uint64_t slots, const char *what) {
    collector->slots_of_part += slots;
    uint64_t most = collector->outputs.most_slots;
    if (most && collector->slots_of_part > most) {
        breach(collector, RULE_BOUND, "it made %llu %s for one part; describe said at most %llu",
               (unsigned long long)collector->slots_of_part, what, (unsigned long long)most);
    }
}

static GatehouseStatus begin(void *ctx, uint32_t part, uint32_t kind, uint64_t expected) {
    (void)expected;
    ENTER();
    int known = kind == GATEHOUSE_OUTPUT_TEXT || kind == GATEHOUSE_OUTPUT_SOFT || kind == GATEHOUSE_OUTPUT_ROWS;
    if (collector->is_open) breach(collector, RULE_SEGMENTS, "begin was called inside an open segment");
    if (part >= collector->part_count) {
        breach(collector, RULE_SEGMENTS, "begin was called for part %u of %u", part, collector->part_count);
    }
    if (collector->segments && part < collector->part) {
        breach(collector, RULE_SEGMENTS, "begin went back from part %u to part %u", collector->part, part);
    }
    if (!known || !(collector->outputs.kinds & kind)) {
        breach(collector, RULE_SEGMENTS, "begin was called with kind %u; describe declared the bits %u", kind,
               collector->outputs.kinds);
    }
    if (!collector->segments || part != collector->part) collector->slots_of_part = 0;
    collector->segments++;
    if (part < 64) collector->parts_seen |= 1ull << part;
    collector->is_open = 1;
    collector->part = part;
    collector->kind = kind;
    collector->text_size = collector->last_span_end = collector->tail_size = 0;
    take(collector, &kind, sizeof kind);
    return leave(collector);
}

static int belongs(Collector *collector, uint32_t kind, const char *function) {
    if (collector->is_open && collector->kind == kind && !collector->acquired) return 1;
    breach(collector, RULE_SEGMENTS, "%s was called outside a segment of its kind", function);
    return 0;
}

static void take_text(Collector *collector, const char *data, uint64_t size) {
    unsigned char *joined = malloc(size + sizeof collector->tail);
    if (!joined) return;
    memcpy(joined, collector->tail, collector->tail_size);
    memcpy(joined + collector->tail_size, data, size);
    uint64_t whole = collector->tail_size + size;
    uint32_t unfinished = 0;
    if (!is_utf8(joined, whole, &unfinished)) {
        breach(collector, RULE_TEXT, "its text is not UTF-8");
        unfinished = 0;
    }
    memcpy(collector->tail, joined + whole - unfinished, unfinished);
    collector->tail_size = unfinished;
    free(joined);
    take(collector, data, size);
}

static void check_spans(Collector *collector, const GatehouseText *text) {
    for (uint32_t i = 0; i < text->span_count; i++) {
        const GatehouseSpan *span = &text->spans[i];
        if (span->begin > span->end || span->end > collector->text_size) {
            breach(collector, RULE_SPANS, "span %u covers the bytes %llu … %llu of a text of %llu", i,
                   (unsigned long long)span->begin, (unsigned long long)span->end,
                   (unsigned long long)collector->text_size);
        } else if (span->begin < collector->last_span_end) {
            breach(collector, RULE_SPANS, "span %u begins at %llu, before the last one ends", i,
                   (unsigned long long)span->begin);
        }
        if (span->confidence < 0 || span->confidence > 1) {
            breach(collector, RULE_SPANS, "span %u has a confidence of %g; expected 0 … 1 or NaN", i,
                   (double)span->confidence);
        }
        if (span->start_seconds < 0 || span->end_seconds < span->start_seconds) {
            breach(collector, RULE_SPANS, "span %u lasts from %g s to %g s", i, span->start_seconds,
                   span->end_seconds);
        }
        collector->last_span_end = span->end;
        take(collector, span, sizeof *span);
    }
}

static GatehouseStatus take_text_call(void *ctx, const GatehouseText *text) {
    ENTER();
    if (!belongs(collector, GATEHOUSE_OUTPUT_TEXT, "text")) return leave(collector);
    if (!text || text->struct_size != sizeof *text) {
        breach(collector, RULE_TEXT, "struct_size of GatehouseText is %u; expected %zu", text ? text->struct_size : 0,
               sizeof *text);
        return leave(collector);
    }
    if (text->size && !text->data) {
        breach(collector, RULE_TEXT, "text of %llu bytes came with data NULL", (unsigned long long)text->size);
    } else if (text->size) {
        take_text(collector, text->data, text->size);
        collector->text_size += text->size;
        count_slots(collector, text->size, "bytes of text");
    }
    if (text->span_count && !text->spans) {
        breach(collector, RULE_SPANS, "%u spans came with spans NULL", text->span_count);
    } else {
        check_spans(collector, text);
    }
    return leave(collector);
}

static void check_slot(Collector *collector, const GatehouseSoft *soft, uint32_t slot) {
    uint32_t first = soft->slot_offsets[slot], last = soft->slot_offsets[slot + 1];
    if (first > last || last - first > 1 << 16) {
        breach(collector, RULE_SOFT, "slot %u has the pieces %u … %u; offsets must rise", slot, first, last);
        return;
    }
    float sum = 0;
    for (uint32_t piece = first; piece < last; piece++) {
        uint32_t begin = soft->piece_offsets[piece], end = soft->piece_offsets[piece + 1], unfinished;
        float weight = soft->weights[piece];
        if (begin > end || end - begin > 1 << 16) {
            breach(collector, RULE_SOFT, "piece %u has the bytes %u … %u; offsets must rise", piece, begin, end);
            return;
        }
        const unsigned char *bytes = (const unsigned char *)soft->bytes + begin;
        if (!is_utf8(bytes, end - begin, &unfinished) || unfinished) {
            breach(collector, RULE_SOFT, "piece %u is not UTF-8", piece);
        }
        if (!isfinite(weight) || weight < 0) {
            breach(collector, RULE_SOFT, "piece %u weighs %g; expected 0 … 1", piece, (double)weight);
        }
        sum += weight;
        take(collector, bytes, end - begin);
        take(collector, &weight, sizeof weight);
    }
    // Room for the rounding of a softmax in float32.
    if (sum > 1.001f) breach(collector, RULE_SOFT, "the weights of slot %u sum to %g; expected at most 1", slot, (double)sum);
}

static GatehouseStatus take_soft_call(void *ctx, const GatehouseSoft *soft) {
    ENTER();
    if (!belongs(collector, GATEHOUSE_OUTPUT_SOFT, "soft")) return leave(collector);
    if (!soft || soft->struct_size != sizeof *soft) {
        breach(collector, RULE_SOFT, "struct_size of GatehouseSoft is %u; expected %zu", soft ? soft->struct_size : 0,
               sizeof *soft);
    } else if (!soft->slot_offsets || !soft->piece_offsets) {
        breach(collector, RULE_SOFT, "slot_offsets or piece_offsets is NULL");
    } else if (soft->slot_offsets[0] != 0 || soft->piece_offsets[0] != 0) {
        breach(collector, RULE_SOFT, "offsets begin at %u and %u; expected 0", soft->slot_offsets[0],
               soft->piece_offsets[0]);
    } else if (soft->slot_count && soft->slot_offsets[soft->slot_count] && (!soft->bytes || !soft->weights)) {
        breach(collector, RULE_SOFT, "bytes or weights is NULL");
    } else {
        for (uint32_t slot = 0; slot < soft->slot_count; slot++) check_slot(collector, soft, slot);
        count_slots(collector, soft->slot_count, "slots");
    }
    return leave(collector);
}

// Whether the shape may be read any further.
static int check_shape(Collector *collector, const GatehouseRows *rows) {
    if (!rows || rows->struct_size != sizeof *rows) {
        breach(collector, RULE_ROWS, "struct_size of GatehouseRows is %u; expected %zu", rows ? rows->struct_size : 0,
               sizeof *rows);
        return 0;
    }
    uint64_t element = rows->element_type == GATEHOUSE_FLOAT32 ? 4 : 2;
    if (rows->element_type > GATEHOUSE_BFLOAT16) {
        breach(collector, RULE_ROWS, "rows have the unknown element type %u", rows->element_type);
    } else if (rows->width != collector->outputs.width || !rows->width) {
        breach(collector, RULE_ROWS, "rows are %u wide; describe said %u", rows->width, collector->outputs.width);
    } else if ((uint64_t)rows->rows * rows->width > MOST_ELEMENTS) {
        breach(collector, RULE_ROWS, "%u rows of %u elements are more than a host takes", rows->rows, rows->width);
    } else if (rows->data && (rows->stride < rows->width * element || rows->stride > 1u << 30)) {
        breach(collector, RULE_ROWS, "a stride of %llu bytes does not fit rows of %u elements",
               (unsigned long long)rows->stride, rows->width);
    } else {
        return 1;
    }
    return 0;
}

static void check_positions(Collector *collector, const GatehouseRows *rows) {
    const uint32_t grid[3] = {rows->grid_t, rows->grid_h, rows->grid_w};
    if (rows->axes != 0 && rows->axes != 3) {
        breach(collector, RULE_POSITIONS, "rows have %u axes; expected 0 or 3", rows->axes);
        return;
    }
    if (rows->axes == 0) return;
    if (!rows->positions) {
        breach(collector, RULE_POSITIONS, "rows have 3 axes and positions NULL");
        return;
    }
    for (uint64_t i = 0; i < (uint64_t)rows->rows * 3; i++) {
        int32_t position = rows->positions[i];
        if (position < 0 || (uint32_t)position >= grid[i % 3]) {
            breach(collector, RULE_POSITIONS, "row %llu has position %d on axis %d of a grid of %u",
                   (unsigned long long)i / 3, position, (int)(i % 3), grid[i % 3]);
        }
    }
    take(collector, rows->positions, (uint64_t)rows->rows * 3 * sizeof *rows->positions);
}

static int element_is_finite(const unsigned char *bytes, uint32_t type) {
    if (type == GATEHOUSE_FLOAT32) {
        float value;
        memcpy(&value, bytes, sizeof value);
        return isfinite(value);
    }
    uint16_t bits, exponent = type == GATEHOUSE_FLOAT16 ? 0x7C00 : 0x7F80;
    memcpy(&bits, bytes, sizeof bits);
    return (bits & exponent) != exponent;
}

static void check_values(Collector *collector, const GatehouseRows *rows, const void *data, uint64_t stride) {
    uint64_t element = rows->element_type == GATEHOUSE_FLOAT32 ? 4 : 2;
    for (uint64_t row = 0; row < rows->rows; row++) {
        const unsigned char *values = (const unsigned char *)data + row * stride;
        for (uint64_t i = 0; i < rows->width; i++) {
            if (!element_is_finite(values + i * element, rows->element_type)) {
                breach(collector, RULE_ROWS, "row %llu holds NaN or infinity at element %llu",
                       (unsigned long long)row, (unsigned long long)i);
            }
        }
        take(collector, values, rows->width * element);
    }
}

static GatehouseStatus take_rows_call(void *ctx, const GatehouseRows *rows) {
    ENTER();
    if (!belongs(collector, GATEHOUSE_OUTPUT_ROWS, "rows") || !check_shape(collector, rows)) return leave(collector);
    if (rows->rows && !rows->data) {
        breach(collector, RULE_ROWS, "%u rows came with data NULL", rows->rows);
        return leave(collector);
    }
    check_positions(collector, rows);
    check_values(collector, rows, rows->data, rows->stride);
    count_slots(collector, rows->rows, "rows");
    return leave(collector);
}

static GatehouseStatus acquire_rows(void *ctx, const GatehouseRows *shape, void **data) {
    ENTER();
    int good = belongs(collector, GATEHOUSE_OUTPUT_ROWS, "acquire_rows") && check_shape(collector, shape);
    if (good && shape->element_type != GATEHOUSE_FLOAT32) {
        breach(collector, RULE_ROWS, "rows were acquired in element type %u; a host lends float32", shape->element_type);
    }
    // Room even for a shape that breaks a rule, so that the plugin goes on to its own end.
    uint64_t size = good ? (uint64_t)shape->rows * shape->width * 4 : 1 << 20;
    free(collector->acquired);
    collector->acquired = aligned_alloc(64, (size + 64) / 64 * 64);
    if (!collector->acquired) {
        pthread_mutex_unlock(&collector->lock);
        return GATEHOUSE_OUT_OF_MEMORY;
    }
    memset(collector->acquired, 0, size);
    collector->acquired_size = size;
    collector->acquired_shape = good ? *shape : (GatehouseRows){0};
    if (good) check_positions(collector, shape);
    *data = collector->acquired;
    return leave(collector);
}

static GatehouseStatus commit_rows(void *ctx, uint32_t rows) {
    ENTER();
    if (!collector->acquired) {
        breach(collector, RULE_SEGMENTS, "commit_rows was called without acquire_rows");
        return leave(collector);
    }
    GatehouseRows shape = collector->acquired_shape;
    if (rows > shape.rows) {
        breach(collector, RULE_ROWS, "%u rows were committed of %u acquired", rows, shape.rows);
    } else {
        shape.rows = rows;
        check_values(collector, &shape, collector->acquired, (uint64_t)shape.width * 4);
        count_slots(collector, rows, "rows");
    }
    free(collector->acquired);
    collector->acquired = NULL;
    return leave(collector);
}

static GatehouseStatus end(void *ctx) {
    ENTER();
    if (!collector->is_open) breach(collector, RULE_SEGMENTS, "end was called without begin");
    if (collector->acquired) breach(collector, RULE_SEGMENTS, "end was called before commit_rows");
    if (collector->tail_size) breach(collector, RULE_TEXT, "its text ends inside a character");
    collector->is_open = 0;
    take(collector, "end", 3);
    return leave(collector);
}

void collector_start(Collector *collector, const GatehouseOutputs *outputs, uint32_t part_count) {
    *collector = (Collector){
        .sink = {.struct_size = sizeof collector->sink, .ctx = collector, .begin = begin, .text = take_text_call,
                 .soft = take_soft_call, .rows = take_rows_call, .acquire_rows = acquire_rows,
                 .commit_rows = commit_rows, .end = end},
        .outputs = *outputs, .part_count = part_count, .digest = 0xcbf29ce484222325u,
    };
    pthread_mutex_init(&collector->lock, NULL);
}

void collector_finish(Collector *collector, GatehouseStatus status) {
    pthread_mutex_lock(&collector->lock);
    if (status == GATEHOUSE_OK && collector->is_open) {
        breach(collector, RULE_SEGMENTS, "encode returned OK without ending the segment of part %u", collector->part);
    }
    collector->is_over = 1;
    free(collector->acquired);
    collector->acquired = NULL;
    pthread_mutex_unlock(&collector->lock);
}
