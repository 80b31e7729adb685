// What comes out for the author's input: by the rules, as declared, and the same every time.

#include <stdlib.h>
#include <string.h>

#include "guarded.h"
#include "tests.h"

static void start(Rig *rig, Subject *subject, const ProbeArguments *arguments) {
    rig_start(rig, arguments);
    rig_instance(rig, subject);
}

static void encodes(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    rig_encode_well(&rig, &subject);
    rig_destroy(&subject);
}

static void rule(const ProbeArguments *arguments, Rule rule) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    Call call = {0};
    rig_encode(&rig, &subject, &call);
    if (call.collector.broken[rule][0]) fail("%s", call.collector.broken[rule]);
}

static void segments(const ProbeArguments *arguments) { rule(arguments, RULE_SEGMENTS); }
static void text(const ProbeArguments *arguments) { rule(arguments, RULE_TEXT); }
static void spans(const ProbeArguments *arguments) { rule(arguments, RULE_SPANS); }
static void soft(const ProbeArguments *arguments) { rule(arguments, RULE_SOFT); }
static void rows(const ProbeArguments *arguments) { rule(arguments, RULE_ROWS); }
static void positions(const ProbeArguments *arguments) { rule(arguments, RULE_POSITIONS); }
static void bound(const ProbeArguments *arguments) { rule(arguments, RULE_BOUND); }

static void same_twice(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    uint64_t digest = rig_encode_well(&rig, &subject);
    for (int i = 0; i < 2; i++) {
        if (rig_encode_well(&rig, &subject) != digest) fail("the same input gave another output");
    }
    if (subject.face->reset(subject.face->ctx) != GATEHOUSE_OK) fail("reset was refused");
    if (rig_encode_well(&rig, &subject) != digest) fail("after reset the same input gave another output");
}

static void two_parts(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    GatehousePart parts[] = {rig_part(&rig), rig_part(&rig), rig_part(&rig)};
    Call one = {0}, three = {.parts = parts, .part_count = 3};
    rig_encode(&rig, &subject, &one);
    rig_encode(&rig, &subject, &three);
    if (three.status != GATEHOUSE_OK) {
        fail("an input of three parts gave %s%s", status_name(three.status), rig_words(&subject.host));
    }
    if (one.collector.parts_seen && three.collector.parts_seen != 7) {
        fail("of three equal parts, output came for the bits %llu only", (unsigned long long)three.collector.parts_seen);
    }
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        if (three.collector.broken[rule][0] && !one.collector.broken[rule][0]) fail("%s", three.collector.broken[rule]);
    }
}

static void encode_within(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    rig.is_guarded = 1;
    Guarded bytes = guarded_copy(arguments->input, arguments->input_size);
    guarded_make_read_only(&bytes);
    GatehousePart part = rig_part(&rig);
    part.data = bytes.data;
    Call call = {.parts = &part, .part_count = 1};
    rig_encode(&rig, &subject, &call);
    if (call.status != GATEHOUSE_OK) fail("encode returned %s%s", status_name(call.status), rig_words(&subject.host));
}

static void input_borrowed(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    uint64_t digest = 0;
    for (int round = 0; round < 3; round++) {
        Guarded bytes = guarded_copy(arguments->input, arguments->input_size);
        GatehousePart part = rig_part(&rig);
        part.data = bytes.data;
        Call call = {.parts = &part, .part_count = 1};
        rig_encode(&rig, &subject, &call);
        guarded_forbid(&bytes);
        if (round && call.collector.digest != digest) fail("the input at another address gave another output");
        digest = call.collector.digest;
    }
    if (subject.face->reset(subject.face->ctx) != GATEHOUSE_OK) fail("reset was refused");
    rig_destroy(&subject);
}

static void progress(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    Creation creation = {0};
    rig_create(&rig, &creation, &subject);
    if (creation.progress_breach[0]) fail("in create %s", creation.progress_breach);
    rig_destroy(&subject);
    rig_instance(&rig, &subject);
    Call call = {0};
    rig_encode(&rig, &subject, &call);
    if (call.job.breach[0]) fail("%s", call.job.breach);
}

static void silent_afterwards(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    static Call call;
    rig_encode(&rig, &subject, &call);
    sleep_seconds(0.15);
    if (call.collector.was_late) fail("a function of the sink was called after encode had returned");
    if (atomic_load(&call.job.was_late)) fail("a function of the job was called after encode had returned");
    if (atomic_load(&subject.host.was_late)) fail("set_error was called outside a call");
}

#define OF_PLUGIN(id, promise, mend, after, run) \
    {{id, promise, mend, after, PROBE_OF_PLUGIN, PROBE_NEEDS_INPUT}, run}

const Test output_tests[] = {
    OF_PLUGIN("encode", "encodes the input", "The message says what is wrong; is --input of a type that it accepts?",
              "describe", encodes),
    OF_PLUGIN("output-segments", "segments open, close and follow the parts",
              "For each part in order: begin with a declared kind, the calls of that kind, end.", "encode", segments),
    OF_PLUGIN("output-text", "text is UTF-8", "Hand out whole UTF-8, with data and size set.", "encode", text),
    OF_PLUGIN("output-spans", "spans are sorted and inside the text",
              "Let begin and end count bytes from the segment's start, sorted, without overlap.", "encode", spans),
    OF_PLUGIN("output-soft", "soft tokens are distributions over pieces of UTF-8",
              "Offsets rise from 0, weights are at least 0, and those of a slot sum to at most 1.", "encode", soft),
    OF_PLUGIN("output-rows", "rows have the declared shape and finite values",
              "Match width, stride and element_type to describe, and look for NaN before handing out.", "encode", rows),
    OF_PLUGIN("output-positions", "positions lie inside the grid", "Let positions run from 0 to grid - 1 on each axis.",
              "encode", positions),
    OF_PLUGIN("output-bound", "output stays within most_slots", "Raise most_slots in describe, or stop at it.", "encode",
              bound),
    OF_PLUGIN("same-twice", "the same input gives the same bits",
              "Keep no state between calls, seed what is random, reduce in one fixed order.", "encode", same_twice),
    OF_PLUGIN("several-parts", "answers each of several parts", "Loop over part_count, and name the part in begin.",
              "encode", two_parts),
    OF_PLUGIN("encode-within", "encode reads within its arguments and writes to none",
              "Stop at size; copy what must be changed. Pages behind the data are not there.", "encode", encode_within),
    OF_PLUGIN("input-borrowed", "keeps nothing of an input after the call",
              "Copy what is needed later: the data is unmapped when encode returns.", "encode", input_borrowed),
    OF_PLUGIN("progress", "progress rises from 0 to 1", "Report done / whole, and never less than before.", "encode",
              progress),
    OF_PLUGIN("silent-afterwards", "calls no host function after a call",
              "Join or stop your threads before encode returns.", "encode", silent_afterwards),
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
