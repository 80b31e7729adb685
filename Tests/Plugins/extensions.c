// Plugins with the extensions of an instance: batches, and self-tests that come out either way.

#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fixture.h"

enum { MOST_CALLS = 4 };

static int is(const GatehouseInput *input, const char *word) {
    return input->parts[0].size == strlen(word) && !memcmp(input->parts[0].data, word, strlen(word));
}

static void note(const Fixture *fixture, const char *words) {
    fixture->host->log(fixture->host->ctx, GATEHOUSE_LOG_INFO, words, strlen(words));
}

// The part's bytes as text, but "hold" works until it is cancelled, "refuse" is refused, "crash" ends the process, and
// "loop" never ends.
static GatehouseStatus answer(
    const Fixture *fixture, const GatehouseHost *host, const GatehouseJob *job, const GatehouseInput *input,
    const GatehouseSink *sink) {
    const struct timespec millisecond = {0, 1000000};
    if (is(input, "crash")) abort();
    if (is(input, "hold") || is(input, "loop")) note(fixture, "began");
    while (is(input, "loop")) nanosleep(&millisecond, NULL);
    while (is(input, "hold")) {
        if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
        nanosleep(&millisecond, NULL);
    }
    if (is(input, "refuse")) {
        fixture_fail(host, "this one is refused");
        return GATEHOUSE_BAD_INPUT;
    }
    if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
    return fixture_say(sink, 0, (const char *)input->parts[0].data, input->parts[0].size);
}

static GatehouseStatus encode_one(
    const Fixture *fixture, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    return answer(fixture, fixture->host, job, input, sink);
}

static void encode_batch(
    void *ctx, uint32_t count, const GatehouseBatchCall *calls, GatehouseStatus *statuses) {
    const Fixture *fixture = ctx;
    char words[32];
    snprintf(words, sizeof words, "batch of %u", count);
    note(fixture, words);
    for (uint32_t i = 0; i < count; i++) {
        statuses[i] = answer(fixture, calls[i].host, calls[i].job, calls[i].input, calls[i].sink);
    }
}

// Forgets to say what came of the second call.
static void encode_half(
    void *ctx, uint32_t count, const GatehouseBatchCall *calls, GatehouseStatus *statuses) {
    (void)count;
    statuses[0] = answer(ctx, calls[0].host, calls[0].job, calls[0].input, calls[0].sink);
}

static const void *batch(Fixture *fixture, const char *id) {
    if (strcmp(id, GATEHOUSE_BATCH) != 0) return NULL;
    fixture->batch = (GatehouseBatch){
        .struct_size = sizeof fixture->batch, .most_calls = MOST_CALLS, .ctx = fixture, .encode = encode_batch};
    return &fixture->batch;
}

static const void *half_batch(Fixture *fixture, const char *id) {
    if (!batch(fixture, id)) return NULL;
    fixture->batch.encode = encode_half;
    return &fixture->batch;
}

static const void *small_batch(Fixture *fixture, const char *id) {
    if (!batch(fixture, id)) return NULL;
    fixture->batch.most_calls = 1;
    return &fixture->batch;
}

static GatehouseStatus pass(void *ctx, const GatehouseJob *job) {
    (void)job;
    note(ctx, "tested");
    return GATEHOUSE_OK;
}

static GatehouseStatus doubt(void *ctx, const GatehouseJob *job) {
    (void)job;
    const Fixture *fixture = ctx;
    fixture_fail(fixture->host, "the letter A came out as B");
    return GATEHOUSE_FAILED;
}

static const void *self_test(Fixture *fixture, const char *id, GatehouseStatus (*run)(void *, const GatehouseJob *)) {
    if (strcmp(id, GATEHOUSE_SELF_TEST) != 0) return NULL;
    fixture->self_test =
        (GatehouseSelfTest){.struct_size = sizeof fixture->self_test, .ctx = fixture, .run = run};
    return &fixture->self_test;
}

__attribute__((unused)) static const void *passing(Fixture *fixture, const char *id) {
    return self_test(fixture, id, pass);
}

static const void *doubting(Fixture *fixture, const char *id) {
    return self_test(fixture, id, doubt);
}

#define TEXT GATEHOUSE_OUTPUT_TEXT

const FixtureKind fixture_extensions[] = {
    {"batch", TEXT, encode_one, 0, NULL, batch},
    {"half-batch", TEXT, encode_one, 0, NULL, half_batch},
    {"small-batch", TEXT, encode_one, 0, NULL, small_batch},
#ifdef DOUBTING
    {"tests-itself", TEXT, encode_one, 0, NULL, doubting},
#else
    {"tests-itself", TEXT, encode_one, 0, NULL, passing},
#endif
    {"doubts-itself", TEXT, encode_one, 0, NULL, doubting},
    {NULL, 0, NULL, 0, NULL, NULL},
};
