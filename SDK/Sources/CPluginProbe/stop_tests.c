// Stopping early: the sink refuses, or the job is cancelled. Afterwards the instance works as before.

#include <string.h>

#include "tests.h"

// From yes to the return of encode, in seconds. gatehouse.h asks for a poll every 50 ms of work.
static const double promptly = 0.5;

static void start(Rig *rig, Subject *subject, const ProbeArguments *arguments) {
    rig_start(rig, arguments);
    rig_instance(rig, subject);
}

static void refuse(const ProbeArguments *arguments, int from_end) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    Call whole = {0};
    rig_encode(&rig, &subject, &whole);
    uint32_t calls = whole.collector.calls;
    uint32_t first = from_end ? calls : 1, last = from_end ? calls : calls < 2 ? calls : 2;
    if (!calls) skip("it called the sink not once");
    // A status of the host's own, so that one made up by the plugin shows.
    for (uint32_t at = first; at <= last; at++) {
        Call call = {.refuse_at = at, .refusal = GATEHOUSE_UNAVAILABLE};
        rig_encode(&rig, &subject, &call);
        if (call.collector.calls_after_refusal) fail("it called the sink again after call %u of %u was refused", at, calls);
        if (call.status != GATEHOUSE_UNAVAILABLE) {
            fail("the sink refused call %u of %u with UNAVAILABLE; encode returned %s", at, calls,
                 status_name(call.status));
        }
        if (atomic_load(&subject.host.errors)) fail("it called set_error for what the sink had refused");
    }
    if (rig_encode_well(&rig, &subject) != whole.collector.digest) fail("the next encode gave another output");
}

static void refused_early(const ProbeArguments *arguments) { refuse(arguments, 0); }
static void refused_late(const ProbeArguments *arguments) { refuse(arguments, 1); }

static void cancel_before(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    uint64_t digest = rig_encode_well(&rig, &subject);
    Call call = {.cancel_at = 1};
    rig_encode(&rig, &subject, &call);
    int finished = call.status == GATEHOUSE_OK && !atomic_load(&call.job.polls) && call.seconds < 0.1;
    if (call.status != GATEHOUSE_CANCELLED && !finished) {
        fail("a job that was cancelled before gave %s after %.0f ms; expected CANCELLED", status_name(call.status),
             call.seconds * 1e3);
    }
    if (call.seconds > promptly) fail("it returned %.0f ms after the job was cancelled", call.seconds * 1e3);
    if (rig_encode_well(&rig, &subject) != digest) fail("the next encode gave another output");
}

typedef struct Canceller {
    Job *job;
    double after, at;
} Canceller;

static void *cancel_later(void *context) {
    Canceller *canceller = context;
    sleep_seconds(canceller->after);
    canceller->at = seconds_now();
    atomic_store(&canceller->job->is_cancelled, 1);
    return NULL;
}

static void cancel_during(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    Call whole = {0};
    rig_encode(&rig, &subject, &whole);
    // At the second poll, at the last one, and by the clock, in the middle.
    uint32_t polls = atomic_load(&whole.job.polls);
    const uint32_t points[] = {2, polls};
    for (int i = 0; i < 2; i++) {
        Call call = {.cancel_at = points[i]};
        if (points[i] < 2 || points[i] > polls) continue;
        rig_encode(&rig, &subject, &call);
        if (call.status != GATEHOUSE_CANCELLED && call.status != GATEHOUSE_OK) {
            fail("cancelled at poll %u of %u, encode returned %s", points[i], polls, status_name(call.status));
        }
        if (call.status == GATEHOUSE_OK && points[i] < polls) {
            fail("its second look said that the job was cancelled, and it returned OK");
        }
    }
    static Call call;
    Canceller canceller = {.job = &call.job, .after = whole.seconds / 2};
    pthread_t thread;
    // rig_encode starts the job anew at once; the canceller waits for longer than that.
    if (canceller.after > 0.002 && !pthread_create(&thread, NULL, cancel_later, &canceller)) {
        rig_encode(&rig, &subject, &call);
        double end = seconds_now();
        pthread_join(thread, NULL);
        if (call.status != GATEHOUSE_CANCELLED && call.status != GATEHOUSE_OK) {
            fail("cancelled after %.0f ms, encode returned %s", canceller.after * 1e3, status_name(call.status));
        }
        if (end - canceller.at > promptly) {
            fail("it returned %.0f ms after the job was cancelled; expected at most %.0f", (end - canceller.at) * 1e3,
                 promptly * 1e3);
        }
    }
    if (rig_encode_well(&rig, &subject) != whole.collector.digest) fail("the next encode gave another output");
}

static void polls_often(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    start(&rig, &subject, arguments);
    Call call = {0};
    rig_encode(&rig, &subject, &call);
    uint32_t polls = atomic_load(&call.job.polls);
    // Ten times what gatehouse.h asks for: some work cannot be interrupted, and the machine may be busy.
    if (call.job.longest_gap > promptly) {
        fail("it looked for a cancel %u times, once not for %.1f s; expected every 50 ms", polls, call.job.longest_gap);
    }
}

static void destroy_any_time(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    rig_destroy(&subject);
    rig_instance(&rig, &subject);
    if (subject.face->reset(subject.face->ctx) != GATEHOUSE_OK) fail("reset of a new instance was refused");
    rig_destroy(&subject);
    rig_instance(&rig, &subject);
    Call cancelled = {.cancel_at = 1}, refused = {.refuse_at = 1, .refusal = GATEHOUSE_UNAVAILABLE};
    rig_encode(&rig, &subject, &cancelled);
    rig_destroy(&subject);
    rig_instance(&rig, &subject);
    rig_encode(&rig, &subject, &refused);
    rig_destroy(&subject);
    rig_instance(&rig, &subject);
    rig_encode_well(&rig, &subject);
    rig_destroy(&subject);
    rig.entry->finalize(rig.entry->ctx);
}

#define OF_PLUGIN(id, promise, mend, run) {{id, promise, mend, "encode", PROBE_OF_PLUGIN, PROBE_NEEDS_INPUT}, run}

const Test stop_tests[] = {
    OF_PLUGIN("sink-refuses", "stops when the sink refuses the first calls",
              "Return what the sink returned, at once and without a message.", refused_early),
    OF_PLUGIN("sink-refuses-last", "stops when the sink refuses the last call",
              "Look at the status of end, too, and return it.", refused_late),
    OF_PLUGIN("cancel-before", "a job that is cancelled already ends at once",
              "Call job->cancelled before the work begins and return CANCELLED.", cancel_before),
    OF_PLUGIN("cancel-during", "a cancel in the middle ends the call promptly",
              "Call job->cancelled at least every 50 ms of work and return CANCELLED.", cancel_during),
    OF_PLUGIN("polls", "looks often whether it is cancelled", "Call job->cancelled at least every 50 ms of work.", polls_often),
    OF_PLUGIN("destroy-any-time", "may be destroyed in any state", "Free in destroy only what was made, whatever came before.",
              destroy_any_time),
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
