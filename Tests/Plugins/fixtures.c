// Entry, descriptors and instances of the fixture library; what each plugin does is in outputs.c, violations.c and
// extensions.c.

#include <pthread.h>
#include <stdlib.h>

#include "fixture.h"

enum { MOST_PLUGINS = 96 };
static GatehouseDescriptor descriptors[MOST_PLUGINS];
static const FixtureKind *kinds[MOST_PLUGINS];
static uint32_t count;
static const char media_types[] = "text/plain application/octet-stream";

static void destroy(void *ctx) {
    free(ctx);
}

static GatehouseStatus reset(void *ctx) {
    (void)ctx;
    return GATEHOUSE_OK;
}

static GatehouseStatus describe(void *ctx, GatehouseOutputs *outputs) {
    const Fixture *fixture = ctx;
    int makes_rows = (fixture->kind->outputs & GATEHOUSE_OUTPUT_ROWS) != 0;
    *outputs = (GatehouseOutputs){
        .struct_size = sizeof *outputs,
        .kinds = fixture->kind->outputs,
        .width = makes_rows ? fixture_width(fixture) : 0,
        .most_slots = fixture->kind->most_slots,
        .decoder = makes_rows && fixture->identity.family ? &fixture->identity : NULL,
    };
    return GATEHOUSE_OK;
}

static GatehouseStatus encode(
    void *ctx, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    const Fixture *fixture = ctx;
    for (uint32_t i = 0; i < input->part_count; i++) {
        const GatehousePart *part = &input->parts[i];
        if (part->kind != GATEHOUSE_PART_ENCODED || !strstr(media_types, part->media_type)) {
            fixture_fail(fixture->host, "fixtures take files of their two types only");
            return GATEHOUSE_UNSUPPORTED;
        }
    }
    return fixture->kind->encode(fixture, job, input, sink);
}

static const void *extension(void *ctx, const char *id) {
    Fixture *fixture = ctx;
    return fixture->kind->extension(fixture, id);
}

static GatehouseStatus create(
    void *ctx, const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *job,
    const GatehouseInstance **instance) {
    (void)ctx;
    const FixtureKind *kind = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (!strcmp(kinds[i]->id, id)) kind = kinds[i];
    }
    if (!kind) {
        fixture_fail(arguments->host, "no such fixture");
        return GATEHOUSE_UNSUPPORTED;
    }
    if (kind->create) {
        GatehouseStatus status = kind->create(arguments->host, job);
        if (status != GATEHOUSE_OK) return status;
    }
    Fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture) return GATEHOUSE_OUT_OF_MEMORY;
    fixture->host = arguments->host;
    fixture->kind = kind;
    fixture->threads = arguments->threads;
    uint64_t size = arguments->configuration_size;
    if (size >= sizeof fixture->configuration) size = sizeof fixture->configuration - 1;
    memcpy(fixture->configuration, arguments->configuration, size);
    if (arguments->decoder) {
        const GatehouseDecoderIdentity *given = arguments->decoder->identity;
        strncpy(fixture->family, given->family, sizeof fixture->family - 1);
        memcpy(fixture->fingerprint, given->fingerprint, sizeof fixture->fingerprint);
        fixture->identity = (GatehouseDecoderIdentity){
            .struct_size = sizeof fixture->identity,
            .hidden = given->hidden,
            .family = fixture->family,
            .fingerprint = fixture->fingerprint,
        };
    }
    fixture->block = (GatehouseInstance){
        .struct_size = sizeof fixture->block,
        .ctx = fixture,
        .destroy = destroy,
        .reset = reset,
        .describe = describe,
        .encode = encode,
        .extension = kind->extension ? extension : NULL,
    };
    *instance = &fixture->block;
    return GATEHOUSE_OK;
}

static void add(const FixtureKind *list) {
    for (; list->id && count < MOST_PLUGINS; list++, count++) {
        kinds[count] = list;
        descriptors[count] = (GatehouseDescriptor){
            .struct_size = sizeof descriptors[count],
            .flags = GATEHOUSE_SAFE_TO_CLOSE,
            .id = list->id,
            .name = "Fixture",
            .vendor = "Gatehouse tests",
            .version = "1.0.0",
            .license = "Apache-2.0",
            .modality = "test",
            .media_types = media_types,
            .output_kinds = list->outputs,
        };
    }
}

static void add_all(void) {
    add(fixture_outputs);
    add(fixture_violations);
    add(fixture_extensions);
    add(fixture_streams);
}

static GatehouseStatus initialize(void *ctx, const GatehouseHost *host) {
    (void)ctx;
    (void)host;
    // Once: instances of an earlier call may be there.
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, add_all);
    return GATEHOUSE_OK;
}

static void finalize(void *ctx) {
    (void)ctx;
}

static uint32_t plugin_count(void *ctx) {
    (void)ctx;
    return count;
}

static const GatehouseDescriptor *plugin(void *ctx, uint32_t index) {
    (void)ctx;
    return index < count ? &descriptors[index] : NULL;
}

const GatehouseEntry *gatehouse_plugin_entry(void) {
    static GatehouseEntry entry = {
        .struct_size = sizeof entry,
        .abi_major = GATEHOUSE_ABI_MAJOR,
        .abi_minor = GATEHOUSE_ABI_MINOR,
        .toolchain = "cc",
        .initialize = initialize,
        .finalize = finalize,
        .plugin_count = plugin_count,
        .plugin = plugin,
        .create = create,
    };
    entry.magic = GATEHOUSE_MAGIC;
    return &entry;
}
