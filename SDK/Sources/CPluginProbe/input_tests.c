// Input that no honest client sends, in every media type that the plugin accepts.

#include <stdlib.h>
#include <string.h>

#include "guarded.h"
#include "tests.h"

enum { MOST_TYPES = 8, LONGEST_TYPE = 128 };

// Calls `body` for each accepted media type.
static void for_each_type(Rig *rig, Subject *subject, const uint8_t *data, uint64_t size,
                          void (*body)(Rig *, Subject *, GatehousePart)) {
    const char *next = rig->descriptor->media_types;
    for (int i = 0; i < MOST_TYPES && *next; i++) {
        char type[LONGEST_TYPE];
        size_t length = strcspn(next, " ");
        size_t kept = length < sizeof type ? length : sizeof type - 1;
        memcpy(type, next, kept);
        type[kept] = 0;
        body(rig, subject, (GatehousePart){
            .kind = GATEHOUSE_PART_ENCODED, .media_type = type, .data = size ? data : NULL, .size = size});
        next += length + (next[length] == ' ');
    }
}

static void encode_anything(Rig *rig, Subject *subject, GatehousePart part) {
    Call call = {.parts = &part, .part_count = 1};
    rig_encode(rig, subject, &call);
    if (call.status != GATEHOUSE_OK && call.status != GATEHOUSE_BAD_INPUT && call.status != GATEHOUSE_UNSUPPORTED) {
        fail("%s of %llu bytes gave %s; expected OK or BAD_INPUT", part.media_type, (unsigned long long)part.size,
             status_name(call.status));
    }
}

static void encode_in_words(Rig *rig, Subject *subject, GatehousePart part) {
    Call call = {.parts = &part, .part_count = 1};
    uint32_t unfinished;
    rig_encode(rig, subject, &call);
    if (call.status == GATEHOUSE_OK || call.status == GATEHOUSE_CANCELLED) return;
    const char *words = subject->host.error;
    if (!atomic_load(&subject->host.errors) || !*words) {
        fail("%s of %llu bytes gave %s without a word of why", part.media_type, (unsigned long long)part.size,
             status_name(call.status));
    }
    if (!is_utf8((const unsigned char *)words, strlen(words), &unfinished)) fail("the message is not UTF-8");
    if (subject->host.error_size > 1000) {
        fail("the message has %llu bytes; one sentence is expected", (unsigned long long)subject->host.error_size);
    }
}

static uint8_t *noise(uint64_t size) {
    uint8_t *bytes = malloc(size);
    uint64_t state = 42;
    if (!bytes) skip("the checker has no memory");
    for (uint64_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
    }
    return bytes;
}

static void start(Rig *rig, Subject *subject, const ProbeArguments *arguments) {
    rig_start(rig, arguments);
    rig_instance(rig, subject);
}

static void input_empty(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    for_each_type(&rig, &subject, NULL, 0, encode_anything);
}

static void input_one_byte(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    static const uint8_t bytes[] = {0x00, 0xFF, '{', '\n'};
    for (size_t i = 0; i < sizeof bytes; i++) {
        Guarded byte = guarded_copy(&bytes[i], 1);
        for_each_type(&rig, &subject, byte.data, 1, encode_anything);
    }
}

static void input_noise(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    uint64_t size = 2 << 20;
    Guarded bytes = guarded_copy(noise(size), size);
    for_each_type(&rig, &subject, bytes.data, size, encode_anything);
}

static void input_cut(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    for (int i = 1; i < 4; i++) {
        Guarded bytes = guarded_copy(arguments->input, arguments->input_size * (uint64_t)i / 4);
        GatehousePart part = rig_part(&rig);
        part.data = bytes.data;
        part.size = bytes.size;
        encode_anything(&rig, &subject, part);
    }
}

static void refusal_in_words(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    static const uint8_t byte = 0xFF;
    for_each_type(&rig, &subject, NULL, 0, encode_in_words);
    for_each_type(&rig, &subject, &byte, 1, encode_in_words);
    for_each_type(&rig, &subject, noise(4096), 4096, encode_in_words);
}

static void kind_unknown(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    GatehousePart part = {.kind = 99, .media_type = "text/plain", .data = (const uint8_t *)"x", .size = 1};
    Call call = {.parts = &part, .part_count = 1};
    rig_encode(&rig, &subject, &call);
    if (call.status != GATEHOUSE_UNSUPPORTED) {
        fail("a part of kind 99 gave %s; expected UNSUPPORTED", status_name(call.status));
    }
}

static void kinds_decoded(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    static const float samples[320];
    static const uint8_t pixels[4 * 4 * 4];
    const GatehousePart parts[] = {
        {.kind = GATEHOUSE_PART_TEXT, .media_type = "text/plain", .data = (const uint8_t *)"hello", .size = 5},
        {.kind = GATEHOUSE_PART_PCM, .media_type = "audio/pcm", .data = (const uint8_t *)samples, .size = sizeof samples,
         .sample_rate = 16000, .channels = 1},
        {.kind = GATEHOUSE_PART_PIXELS, .media_type = "image/rgba", .data = pixels, .size = sizeof pixels, .width = 4,
         .height = 4, .stride = 16},
    };
    for (int i = 0; i < 3; i++) {
        Call call = {.parts = &parts[i], .part_count = 1};
        rig_encode(&rig, &subject, &call);
        if (call.status != GATEHOUSE_OK && call.status != GATEHOUSE_UNSUPPORTED) {
            fail("a part of kind %u gave %s; expected UNSUPPORTED, or OK where it takes them", parts[i].kind,
                 status_name(call.status));
        }
    }
}

static void type_unknown(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    GatehousePart part = {.kind = GATEHOUSE_PART_ENCODED, .media_type = "application/x-gatehouse-unknown",
                          .data = (const uint8_t *)"x", .size = 1};
    Call call = {.parts = &part, .part_count = 1};
    rig_encode(&rig, &subject, &call);
    if (call.status != GATEHOUSE_UNSUPPORTED && call.status != GATEHOUSE_BAD_INPUT) {
        fail("a part of type %s gave %s; expected UNSUPPORTED", part.media_type, status_name(call.status));
    }
}

static void after_refusal(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject, other;
    start(&rig, &subject, arguments);
    uint64_t digest = rig_encode_well(&rig, &subject);
    const uint8_t *bytes = noise(4096);
    for_each_type(&rig, &subject, bytes, 4096, encode_anything);
    if (subject.face->reset(subject.face->ctx) != GATEHOUSE_OK) fail("reset was refused");
    if (rig_encode_well(&rig, &subject) != digest) fail("after noise and a reset the input gave another output");
    for_each_type(&rig, &subject, bytes, 4096, encode_anything);
    rig_destroy(&subject);
    rig_instance(&rig, &other);
    if (rig_encode_well(&rig, &other) != digest) fail("a new instance gave another output");
    rig_destroy(&other);
}

#define OF_PLUGIN(id, promise, mend, after, needs, run) {{id, promise, mend, after, PROBE_OF_PLUGIN, needs}, run}
static const char mend[] = "Check every size before reading; answer what is no input with BAD_INPUT and set_error.";

const Test input_tests[] = {
    OF_PLUGIN("input-empty", "survives empty input", mend, "encode", 0, input_empty),
    OF_PLUGIN("input-one-byte", "survives one byte", mend, "encode", 0, input_one_byte),
    OF_PLUGIN("input-noise", "survives megabytes of noise", mend, "encode", 0, input_noise),
    OF_PLUGIN("input-cut", "survives input that is cut short", mend, "encode", PROBE_NEEDS_INPUT, input_cut),
    OF_PLUGIN("refusal-words", "says in one sentence why it refuses",
              "Call set_error before returning anything but OK or CANCELLED.", "encode", 0, refusal_in_words),
    OF_PLUGIN("kind-unknown", "refuses a kind of part that it does not know",
              "Look at part->kind and answer all but those you take with UNSUPPORTED.", "encode", 0, kind_unknown),
    OF_PLUGIN("kinds-decoded", "takes or refuses parts that come decoded",
              "Look at part->kind and answer all but those you take with UNSUPPORTED.", "encode", 0, kinds_decoded),
    OF_PLUGIN("type-unknown", "refuses a media type that it did not declare",
              "Compare media_type with those of the descriptor and answer others with UNSUPPORTED.", "encode", 0,
              type_unknown),
    OF_PLUGIN("after-refusal", "works as before after input that it refused",
              "Let encode keep nothing between calls, or drop it in reset.", "encode", PROBE_NEEDS_INPUT, after_refusal),
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
