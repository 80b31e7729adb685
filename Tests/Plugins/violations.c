// Plugins that break a rule of the ABI, each one rule, and return OK whatever the host answers.

#include <math.h>
#include <stddef.h>

#include "fixture.h"

#define VIOLATE(name)                                               \
    static GatehouseStatus name(                                    \
        __attribute__((unused)) const Fixture *fixture,             \
        __attribute__((unused)) const GatehouseJob *job,            \
        __attribute__((unused)) const GatehouseInput *input, const GatehouseSink *sink)

static const float zeros[4096];

// Opens a segment of rows, sends `rows`, closes it.
static GatehouseStatus send(const GatehouseSink *sink, GatehouseRows rows) {
    rows.struct_size = rows.struct_size ? rows.struct_size : sizeof rows;
    sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_ROWS, 0);
    sink->rows(sink->ctx, &rows);
    sink->end(sink->ctx);
    return GATEHOUSE_OK;
}

static GatehouseStatus say(const GatehouseSink *sink, GatehouseText text) {
    text.struct_size = text.struct_size ? text.struct_size : sizeof text;
    sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_TEXT, 0);
    sink->text(sink->ctx, &text);
    sink->end(sink->ctx);
    return GATEHOUSE_OK;
}

VIOLATE(not_a_number) {
    float data[8] = {0, 0, 0, 0, 0, NAN, 0, 0};
    return send(sink, (GatehouseRows){.rows = 2, .width = 4, .stride = 16, .data = data});
}

VIOLATE(wrong_width) {
    return send(sink, (GatehouseRows){.rows = 1, .width = 5, .stride = 20, .data = zeros});
}

VIOLATE(short_stride) {
    return send(sink, (GatehouseRows){.rows = 2, .width = 4, .stride = 8, .data = zeros});
}

VIOLATE(huge_stride) {
    return send(
        sink, (GatehouseRows){.rows = 2, .width = 4, .stride = UINT64_MAX - 3, .data = zeros});
}

VIOLATE(huge_rows) {
    return send(sink, (GatehouseRows){.rows = UINT32_MAX, .width = 4, .stride = 16, .data = zeros});
}

VIOLATE(unknown_element) {
    return send(
        sink, (GatehouseRows){.rows = 1, .width = 4, .stride = 16, .data = zeros, .element_type = 9});
}

VIOLATE(two_axes) {
    const int32_t positions[2] = {0, 0};
    return send(
        sink, (GatehouseRows){
                  .rows = 1, .width = 4, .stride = 16, .data = zeros, .axes = 2, .positions = positions});
}

VIOLATE(outside_grid) {
    const int32_t positions[3] = {0, 0, 3};
    return send(
        sink, (GatehouseRows){
                  .rows = 1, .width = 4, .stride = 16, .data = zeros, .axes = 3, .grid_t = 1, .grid_h = 2,
                  .grid_w = 3, .positions = positions});
}

VIOLATE(other_struct) {
    return send(sink, (GatehouseRows){.struct_size = 48, .rows = 1, .width = 4, .stride = 16, .data = zeros});
}

VIOLATE(too_many_rows) {
    return send(sink, (GatehouseRows){.rows = 3, .width = 4, .stride = 16, .data = zeros});
}

VIOLATE(too_much_text) {
    return say(sink, (GatehouseText){.data = "four", .size = 4});
}

VIOLATE(commits_too_many) {
    GatehouseRows shape = {.struct_size = sizeof shape, .rows = 1, .width = 4, .stride = 16};
    void *data = NULL;
    sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_ROWS, 1);
    sink->acquire_rows(sink->ctx, &shape, &data);
    sink->commit_rows(sink->ctx, 2);
    sink->end(sink->ctx);
    return GATEHOUSE_OK;
}

VIOLATE(never_commits) {
    GatehouseRows shape = {.struct_size = sizeof shape, .rows = 1, .width = 4, .stride = 16};
    void *data = NULL;
    sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_ROWS, 1);
    sink->acquire_rows(sink->ctx, &shape, &data);
    sink->end(sink->ctx);
    return GATEHOUSE_OK;
}

VIOLATE(not_utf8) {
    return say(sink, (GatehouseText){.data = "\xC3(", .size = 2});
}

VIOLATE(null_text) {
    return say(sink, (GatehouseText){.data = NULL, .size = 4});
}

VIOLATE(null_spans) {
    return say(sink, (GatehouseText){.data = "text", .size = 4, .span_count = 2, .spans = NULL});
}

VIOLATE(spans_out_of_order) {
    const GatehouseSpan spans[2] = {{.begin = 2, .end = 4}, {.begin = 0, .end = 2}};
    return say(sink, (GatehouseText){.data = "text", .size = 4, .span_count = 2, .spans = spans});
}

VIOLATE(span_outside) {
    const GatehouseSpan span = {.begin = 2, .end = 5};
    return say(sink, (GatehouseText){.data = "text", .size = 4, .span_count = 1, .spans = &span});
}

VIOLATE(not_ended) {
    sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_TEXT, 0);
    return GATEHOUSE_OK;
}

VIOLATE(begun_twice) {
    sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_TEXT, 0);
    sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_TEXT, 0);
    return GATEHOUSE_OK;
}

VIOLATE(undeclared) {
    sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_ROWS, 0);
    return GATEHOUSE_OK;
}

VIOLATE(no_such_part) {
    return fixture_say(sink, 1, "text", 4) == GATEHOUSE_OK ? GATEHOUSE_FAILED : GATEHOUSE_OK;
}

VIOLATE(goes_back) {
    fixture_say(sink, input->part_count - 1, "b", 1);
    fixture_say(sink, 0, "a", 1);
    return GATEHOUSE_OK;
}

VIOLATE(unknown_status) {
    (void)sink;
    return 99;
}

static GatehouseStatus send_soft(const GatehouseSink *sink, GatehouseSoft soft) {
    soft.struct_size = sizeof soft;
    sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_SOFT, 0);
    sink->soft(sink->ctx, &soft);
    sink->end(sink->ctx);
    return GATEHOUSE_OK;
}

VIOLATE(overweight) {
    const uint32_t slots[] = {0, 2}, pieces[] = {0, 1, 2};
    const float weights[] = {0.75f, 0.75f};
    return send_soft(
        sink, (GatehouseSoft){
                  .slot_count = 1, .slot_offsets = slots, .piece_offsets = pieces, .bytes = "ab",
                  .weights = weights});
}

VIOLATE(offsets_fall) {
    const uint32_t slots[] = {0, 2}, pieces[] = {0, 2, 1};
    const float weights[] = {0.5f, 0.5f};
    return send_soft(
        sink, (GatehouseSoft){
                  .slot_count = 1, .slot_offsets = slots, .piece_offsets = pieces, .bytes = "ab",
                  .weights = weights});
}

#define TEXT GATEHOUSE_OUTPUT_TEXT
#define SOFT GATEHOUSE_OUTPUT_SOFT
#define ROWS GATEHOUSE_OUTPUT_ROWS

const FixtureKind fixture_violations[] = {
    {"not-a-number", ROWS, not_a_number, 0, NULL},
    {"wrong-width", ROWS, wrong_width, 0, NULL},
    {"short-stride", ROWS, short_stride, 0, NULL},
    {"huge-stride", ROWS, huge_stride, 0, NULL},
    {"huge-rows", ROWS, huge_rows, 0, NULL},
    {"unknown-element", ROWS, unknown_element, 0, NULL},
    {"two-axes", ROWS, two_axes, 0, NULL},
    {"outside-grid", ROWS, outside_grid, 0, NULL},
    {"other-struct", ROWS, other_struct, 0, NULL},
    {"too-many-rows", ROWS, too_many_rows, 2, NULL},
    {"too-much-text", TEXT, too_much_text, 3, NULL},
    {"commits-too-many", ROWS, commits_too_many, 0, NULL},
    {"never-commits", ROWS, never_commits, 0, NULL},
    {"not-utf8", TEXT, not_utf8, 0, NULL},
    {"null-text", TEXT, null_text, 0, NULL},
    {"null-spans", TEXT, null_spans, 0, NULL},
    {"spans-out-of-order", TEXT, spans_out_of_order, 0, NULL},
    {"span-outside", TEXT, span_outside, 0, NULL},
    {"not-ended", TEXT, not_ended, 0, NULL},
    {"begun-twice", TEXT, begun_twice, 0, NULL},
    {"undeclared", TEXT, undeclared, 0, NULL},
    {"no-such-part", TEXT, no_such_part, 0, NULL},
    {"goes-back", TEXT, goes_back, 0, NULL},
    {"unknown-status", TEXT, unknown_status, 0, NULL},
    {"overweight", SOFT, overweight, 0, NULL},
    {"offsets-fall", SOFT, offsets_fall, 0, NULL},
    {NULL, 0, NULL, 0, NULL},
};
