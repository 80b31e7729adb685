// The extensions that an instance may have: self-test and batch. Streams have a file of their own.

#include <string.h>

#include "tests.h"

enum { MOST_TRIED = 4 };

static const void *find(const Subject *subject, const char *id) {
    return subject->face->extension ? subject->face->extension(subject->face->ctx, id) : NULL;
}

static void self_test(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    Job job;
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    const GatehouseSelfTest *test = find(&subject, GATEHOUSE_SELF_TEST);
    if (!test) skip("the instance has no " GATEHOUSE_SELF_TEST);
    if (!gatehouse_check_self_test(test)) {
        fail("its GatehouseSelfTest has another struct_size than %zu, or lacks its function", sizeof *test);
    }
    for (int i = 0; i < 2; i++) {
        job_start(&job, 0);
        host_enter(&subject.host);
        GatehouseStatus status = test->run(test->ctx, &job.face);
        host_leave(&subject.host);
        if (status != GATEHOUSE_OK) fail("it returned %s%s", status_name(status), rig_words(&subject.host));
    }
    rig_destroy(&subject);
}

// One call of a batch, and what came of it.
typedef struct BatchedCall {
    Host host;
    Job job;
    GatehousePart part;
    GatehouseInput input;
    Collector collector;
    GatehouseStatus status;
} BatchedCall;

static const GatehouseBatch *batch_of(const Subject *subject) {
    const GatehouseBatch *batch = find(subject, GATEHOUSE_BATCH);
    if (!batch) skip("the instance has no " GATEHOUSE_BATCH);
    if (!gatehouse_check_batch(batch)) {
        fail("its GatehouseBatch has another struct_size than %zu, lacks its function, or takes fewer than 2 calls",
             sizeof *batch);
    }
    return batch;
}

static uint32_t most_of(const GatehouseBatch *batch) {
    return batch->most_calls < MOST_TRIED ? batch->most_calls : MOST_TRIED;
}

// Runs calls whose parts are set.
static void run(const GatehouseBatch *batch, const Subject *subject, BatchedCall calls[], uint32_t count) {
    GatehouseBatchCall faces[MOST_TRIED];
    GatehouseStatus statuses[MOST_TRIED];
    for (uint32_t i = 0; i < count; i++) {
        BatchedCall *call = &calls[i];
        host_start(&call->host);
        host_enter(&call->host);
        call->input = (GatehouseInput){.struct_size = sizeof call->input, .part_count = 1, .parts = &call->part};
        collector_start(&call->collector, &subject->outputs, 1);
        faces[i] = (GatehouseBatchCall){
            .job = &call->job.face, .input = &call->input, .sink = &call->collector.sink, .host = &call->host.face};
        statuses[i] = INT32_MIN;
    }
    batch->encode(batch->ctx, count, faces, statuses);
    for (uint32_t i = 0; i < count; i++) {
        host_leave(&calls[i].host);
        atomic_store(&calls[i].job.is_over, 1);
        calls[i].status = statuses[i];
        collector_finish(&calls[i].collector, statuses[i]);
        if (statuses[i] == INT32_MIN) fail("it wrote no status for call %u of %u", i + 1, count);
    }
}

static void batch(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    static BatchedCall calls[MOST_TRIED];
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    const GatehouseBatch *batch = batch_of(&subject);
    uint64_t alone = rig_encode_well(&rig, &subject);
    for (uint32_t count = 2; count <= most_of(batch); count++) {
        for (uint32_t i = 0; i < count; i++) {
            job_start(&calls[i].job, 0);
            calls[i].part = rig_part(&rig);
        }
        run(batch, &subject, calls, count);
        for (uint32_t i = 0; i < count; i++) {
            if (calls[i].status != GATEHOUSE_OK) {
                fail("call %u of %u returned %s%s", i + 1, count, status_name(calls[i].status),
                     rig_words(&calls[i].host));
            }
            if (calls[i].collector.digest != alone) fail("call %u of %u gave another output than alone", i + 1, count);
        }
    }
    if (rig_encode_well(&rig, &subject) != alone) fail("a call after a batch gave another output");
    rig_destroy(&subject);
}

static void batch_refusal(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    static BatchedCall calls[MOST_TRIED];
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    const GatehouseBatch *batch = batch_of(&subject);
    // First a call that is refused, then one that is cancelled; what stands behind them is well.
    for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
        uint32_t count = most_of(batch);
        const char *end = is_cancelled ? "cancelled" : "refused";
        for (uint32_t i = 0; i < count; i++) {
            job_start(&calls[i].job, i == 0 && is_cancelled ? 1 : 0);
            calls[i].part = rig_part(&rig);
        }
        if (is_cancelled) atomic_store(&calls[0].job.is_cancelled, 1);
        else calls[0].part.media_type = "application/x-gatehouse-unknown";
        Call alone = {.parts = &calls[0].part, .part_count = 1, .cancel_at = is_cancelled ? 1 : 0};
        rig_encode(&rig, &subject, &alone);
        run(batch, &subject, calls, count);
        if (calls[0].status != alone.status) {
            fail("a call that is %s returned %s; alone it returns %s", end, status_name(calls[0].status),
                 status_name(alone.status));
        }
        if (calls[0].status != GATEHOUSE_OK && subject.host.error_size && !calls[0].host.error_size) {
            fail("why a call is %s was not told to its own host", end);
        }
        for (uint32_t i = 1; i < count; i++) {
            if (calls[i].status != GATEHOUSE_OK) {
                fail("beside a call that is %s, call %u of %u returned %s%s", end, i + 1, count,
                     status_name(calls[i].status), rig_words(&calls[i].host));
            }
        }
    }
    // Whether an instance may be destroyed after a cancel is another test's.
}

#define OF_PLUGIN(id, promise, mend, needs, run) {{id, promise, mend, "encode", PROBE_OF_PLUGIN, needs}, run}

const Test extension_tests[] = {
    OF_PLUGIN("self-test", "passes its own self-test, twice",
              "Compare what the self-test makes with what it should, and leave nothing behind.", 0, self_test),
    OF_PLUGIN("batch", "calls of a batch come out as each alone",
              "Let no call's arithmetic depend on how many stand beside it.", PROBE_NEEDS_INPUT, batch),
    OF_PLUGIN("batch-refusal", "a call that is refused or cancelled ends alone in its batch",
              "Write each call's own status, tell its own host why, and go on with the others.", PROBE_NEEDS_INPUT,
              batch_refusal),
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
