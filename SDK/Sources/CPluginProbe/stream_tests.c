// The extension for live streams.

#include <string.h>

#include "listener.h"
#include "tests.h"

static void start(Rig *rig, Subject *subject, Sound *sound, const ProbeArguments *arguments) {
    rig_start(rig, arguments);
    rig_instance(rig, subject);
    streaming_of(subject);
    *sound = sound_of(arguments);
}

// What one more stream makes of the sound; `whole` is what it must make.
static void expect_text(Subject *subject, const Sound *sound, const Listener *whole, const char *when) {
    Listener listener;
    listener_open(&listener, subject, sound);
    listener_hear(&listener, 160);
    if (listener.size != whole->size || memcmp(listener.text, whole->text, whole->size)) {
        fail("%s, a stream made another text", when);
    }
    listener_close(&listener);
    listener_forget(&listener);
}

static void stream(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    Sound sound;
    Listener whole, listener;
    start(&rig, &subject, &sound, arguments);
    listener_open(&whole, &subject, &sound);
    listener_hear(&whole, sound.frames);
    listener_close(&whole);
    // 0: blocks of random sizes, none among them.
    const uint64_t blocks[] = {1, 7, 160, 0};
    for (int i = 0; i < 4; i++) {
        listener_open(&listener, &subject, &sound);
        listener_hear(&listener, blocks[i]);
        if (listener.broken[0]) fail("%s", listener.broken);
        if (!listener.is_final) fail("finish returned OK without a final partial");
        if (listener.was_late) fail("it sent a partial outside its calls");
        if (listener.size != whole.size || memcmp(listener.text, whole.text, whole.size)) {
            fail("in blocks of %llu frames (0: random) it made %llu bytes of text, at once %llu; expected the same text",
                 (unsigned long long)blocks[i], (unsigned long long)listener.size, (unsigned long long)whole.size);
        }
        listener_close(&listener);
    }
    if (whole.broken[0]) fail("%s", whole.broken);
    // A stream of nothing has a final partial too.
    Sound nothing = sound;
    nothing.frames = 0;
    listener_open(&listener, &subject, &nothing);
    listener_hear(&listener, 160);
    if (listener.broken[0]) fail("%s", listener.broken);
    if (!listener.is_final) fail("a stream without samples ended without a final partial");
    listener_close(&listener);
    rig_destroy(&subject);
}

static void stream_ends(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    Sound sound;
    Listener listener;
    start(&rig, &subject, &sound, arguments);
    listener_open(&listener, &subject, &sound);
    listener_hear(&listener, 160);
    uint32_t partials = listener.partials;
    listener.given = 0;
    GatehouseStatus pushed = listener_push(&listener, 160), finished = listener_finish(&listener);
    if (pushed != GATEHOUSE_FAILED) fail("push after finish returned %s; expected FAILED", status_name(pushed));
    if (finished != GATEHOUSE_FAILED) fail("a second finish returned %s; expected FAILED", status_name(finished));
    if (listener.partials != partials) fail("after the final partial it sent another");
    listener_close(&listener);
    rig_destroy(&subject);
}

static void stream_stops(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    Sound sound;
    Listener whole, listener;
    start(&rig, &subject, &sound, arguments);
    listener_open(&whole, &subject, &sound);
    listener_hear(&whole, 160);
    listener_close(&whole);

    listener_open(&listener, &subject, &sound);
    listener_push(&listener, 1600);
    listener.cancel_at = 1;
    GatehouseStatus status = listener_push(&listener, sound.frames);
    if (status != GATEHOUSE_CANCELLED && status != GATEHOUSE_OK) {
        fail("a push whose job is cancelled returned %s", status_name(status));
    }
    listener.cancel_at = 0;
    if (status == GATEHOUSE_CANCELLED && (status = listener_finish(&listener)) != GATEHOUSE_FAILED) {
        fail("finish after a cancelled push returned %s; expected FAILED", status_name(status));
    }
    listener_close(&listener);
    expect_text(&subject, &sound, &whole, "after a cancelled stream");

    // A status of the host's own, so that one made up by the plugin shows.
    listener_open(&listener, &subject, &sound);
    listener.refuse_at = 1;
    listener.refusal = status = GATEHOUSE_UNAVAILABLE;
    while (listener.partials < 1 && listener.given < sound.frames) status = listener_push(&listener, 160);
    if (listener.partials < 1) status = listener_finish(&listener);
    if (status != GATEHOUSE_UNAVAILABLE) {
        fail("the sink refused a partial with UNAVAILABLE; the call returned %s", status_name(status));
    }
    if (listener.calls_after_refusal) fail("it sent another partial after one was refused");
    listener_close(&listener);
    expect_text(&subject, &sound, &whole, "after a stream whose sink refused");

    // Closed in the middle, and at once.
    listener_open(&listener, &subject, &sound);
    listener_push(&listener, sound.frames / 2);
    listener_close(&listener);
    listener_open(&listener, &subject, &sound);
    listener_close(&listener);
    expect_text(&subject, &sound, &whole, "after a stream that was closed early");
    rig_destroy(&subject);
}

static void stream_alone(const ProbeArguments *arguments) {
    enum { MOST = 8 };
    Rig rig;
    Subject subject;
    Sound sound;
    Listener whole, listeners[MOST];
    start(&rig, &subject, &sound, arguments);
    uint32_t most = streaming_of(&subject)->most_streams, count = most < MOST ? most : MOST;
    listener_open(&whole, &subject, &sound);
    listener_hear(&whole, 160);
    listener_close(&whole);
    uint64_t digest = arguments->input ? rig_encode_well(&rig, &subject) : 0;
    for (uint32_t i = 0; i < count; i++) listener_open(&listeners[i], &subject, &sound);
    for (uint64_t step = 0; step * 1600 < sound.frames; step++) {
        for (uint32_t i = 0; i < count; i++) {
            if (listener_push(&listeners[i], 1600) != GATEHOUSE_OK) {
                fail("with %u streams open, push was refused%s", count, rig_words(&subject.host));
            }
        }
        if (arguments->input && step == 2 && rig_encode_well(&rig, &subject) != digest) {
            fail("between the calls of streams, encode gave another output");
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (listener_finish(&listeners[i]) != GATEHOUSE_OK) fail("with %u streams open, finish was refused", count);
        if (listeners[i].size != whole.size || memcmp(listeners[i].text, whole.text, whole.size)) {
            fail("stream %u of %u made another text than alone", i + 1, count);
        }
        listener_close(&listeners[i]);
    }
    rig_destroy(&subject);
}

static void stream_configuration(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    Sound sound;
    Job job;
    start(&rig, &subject, &sound, arguments);
    const GatehouseStreaming *streaming = streaming_of(&subject);
    const char *const wrong[] = {"{", "[1]", "{\"gatehouse_unknown_key\": 1}"};
    for (int i = 0; i < 3; i++) {
        GatehouseStreamFormat format = {
            .struct_size = sizeof format, .sample_rate = sound.sample_rate, .channels = sound.channels,
            .configuration = wrong[i], .configuration_size = strlen(wrong[i])};
        const GatehouseStream *untouched = (const GatehouseStream *)&format, *opened = untouched;
        job_start(&job, 0);
        host_enter(&subject.host);
        GatehouseStatus status = streaming->open(streaming->ctx, &job.face, &format, &opened);
        host_leave(&subject.host);
        if (status != GATEHOUSE_BAD_CONFIGURATION) {
            fail("open returned %s for the configuration %s; expected BAD_CONFIGURATION", status_name(status), wrong[i]);
        }
        if (opened != untouched) fail("open refused a configuration but wrote to its out-parameter");
        if (!subject.host.error_size) fail("open refused a configuration without a word");
    }
    rig_destroy(&subject);
}

#define OF_PLUGIN(id, promise, mend, after, run) {{id, promise, mend, after, PROBE_OF_PLUGIN, 0}, run}

const Test stream_tests[] = {
    OF_PLUGIN("stream", "a stream's text grows by the rules, however its samples are cut",
              "Let the state of a stream depend on samples, not on calls; count as stable only what never changes.", "describe",
              stream),
    OF_PLUGIN("stream-ends", "refuses what comes after the end of a stream",
              "Keep in the stream that its final partial was sent, and return FAILED from then on.", "describe",
              stream_ends),
    OF_PLUGIN("stream-stops", "a stream may be cancelled, refused and closed at any time",
              "Return what job and sink say, at once, and free in close whatever is there.", "describe", stream_stops),
    OF_PLUGIN("stream-alone", "streams beside each other and beside encode come out as each alone",
              "Keep the state of a stream in the stream, none of it in the instance.", "encode", stream_alone),
    OF_PLUGIN("stream-configuration", "refuses a stream's configuration that it does not understand",
              "Return BAD_CONFIGURATION with the key's name.", "describe", stream_configuration),
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
