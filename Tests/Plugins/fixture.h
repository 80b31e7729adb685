// What the files of the fixture library share.

#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdint.h>
#include <string.h>

#include "gatehouse.h"

// One live instance.
typedef struct Fixture {
    GatehouseInstance block;
    const GatehouseHost *host;
    const struct FixtureKind *kind;
    uint32_t threads;
    char configuration[256];
    // The decoder's identity as create was given it, copied; `identity.family` is NULL where it was given none.
    GatehouseDecoderIdentity identity;
    char family[32];
    float fingerprint[64 * 8];
    GatehouseBatch batch;
    GatehouseSelfTest self_test;
    GatehouseStreaming streaming;
} Fixture;

typedef GatehouseStatus (*FixtureEncode)(
    const Fixture *fixture, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink);

// One plugin of the library.
typedef struct FixtureKind {
    const char *id;
    uint32_t outputs;
    FixtureEncode encode;
    uint64_t most_slots;
    // Called by create; not OK ends it.
    GatehouseStatus (*create)(const GatehouseHost *host, const GatehouseJob *job);
    // The instance's extensions; NULL for none.
    const void *(*extension)(Fixture *fixture, const char *id);
} FixtureKind;

// Ends with an entry whose id is NULL.
extern const FixtureKind fixture_outputs[];
extern const FixtureKind fixture_violations[];
extern const FixtureKind fixture_extensions[];
extern const FixtureKind fixture_streams[];

static inline uint32_t fixture_width(const Fixture *fixture) {
    return fixture->identity.family ? fixture->identity.hidden : 4;
}

static inline void fixture_fail(const GatehouseHost *host, const char *why) {
    host->set_error(host->ctx, why, strlen(why));
}

// One whole text segment for `part`.
static inline GatehouseStatus fixture_say(
    const GatehouseSink *sink, uint32_t part, const char *text, uint64_t size) {
    GatehouseText view = {.struct_size = sizeof view, .data = text, .size = size};
    GatehouseStatus status = sink->begin(sink->ctx, part, GATEHOUSE_OUTPUT_TEXT, size);
    if (status == GATEHOUSE_OK) status = sink->text(sink->ctx, &view);
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

#endif
