// The plugins that `gatehouse bench plugin` measures the platform with. What they do costs as little as it can, so that
// what is left is the platform's; `busy` costs as much as it can. VERSION is the descriptors'.

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse.h"

#ifndef VERSION
#define VERSION "1.0.0"
#endif

enum { ROWS = 256, WIDTH = 1024 };  // float32: one megabyte
enum { MOST_THREADS = 64, BUSY_FLOATS = 1 << 20, BUSY_PASSES = 400 };

typedef struct Plugin Plugin;

// One plugin of the library.
typedef struct Kind {
    const char *id;
    uint32_t outputs;
    GatehouseStatus (*encode)(
        const Plugin *plugin, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink);
} Kind;

struct Plugin {
    GatehouseInstance face;
    const Kind *kind;
    uint32_t threads;
    float fingerprint[64 * 8];
    GatehouseDecoderIdentity identity;
};

static GatehouseStatus say(const GatehouseSink *sink, uint32_t part, const char *words) {
    GatehouseText text = {.struct_size = sizeof text, .data = words, .size = strlen(words)};
    GatehouseStatus status = sink->begin(sink->ctx, part, GATEHOUSE_OUTPUT_TEXT, text.size);
    if (status == GATEHOUSE_OK) status = sink->text(sink->ctx, &text);
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

// Nothing for each part.
static GatehouseStatus encode_empty(
    const Plugin *plugin, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    (void)plugin, (void)job;
    for (uint32_t part = 0; part < input->part_count; part++) {
        GatehouseStatus status = sink->begin(sink->ctx, part, GATEHOUSE_OUTPUT_TEXT, 0);
        if (status == GATEHOUSE_OK) status = sink->end(sink->ctx);
        if (status != GATEHOUSE_OK) return status;
    }
    return GATEHOUSE_OK;
}

// A megabyte of rows, written in place.
static GatehouseStatus encode_megabyte(
    const Plugin *plugin, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    (void)plugin, (void)job, (void)input;
    GatehouseRows shape = {
        .struct_size = sizeof shape, .element_type = GATEHOUSE_FLOAT32, .rows = ROWS, .width = WIDTH,
        .stride = WIDTH * sizeof(float)};
    void *data;
    GatehouseStatus status = sink->begin(sink->ctx, 0, GATEHOUSE_OUTPUT_ROWS, ROWS);
    if (status == GATEHOUSE_OK) status = sink->acquire_rows(sink->ctx, &shape, &data);
    if (status != GATEHOUSE_OK) return status;
    float *values = data;
    for (uint32_t i = 0; i < ROWS * WIDTH; i++) values[i] = (float)i;
    status = sink->commit_rows(sink->ctx, ROWS);
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

// Which library answered.
static GatehouseStatus encode_version(
    const Plugin *plugin, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    (void)plugin, (void)job, (void)input;
    return say(sink, 0, VERSION);
}

// A share of an encode that keeps one thread and its part of the caches busy: multiply-adds over four megabytes.
static void *work(void *argument) {
    float *values = argument;
    for (int pass = 0; pass < BUSY_PASSES; pass++) {
        for (int i = 0; i < BUSY_FLOATS; i++) values[i] = values[i] * 0.999f + 0.001f;
    }
    return NULL;
}

// The same work on every thread of the budget.
static GatehouseStatus encode_busy(
    const Plugin *plugin, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    (void)job, (void)input;
    uint32_t threads = plugin->threads < MOST_THREADS ? plugin->threads : MOST_THREADS;
    float *values = calloc((size_t)threads * BUSY_FLOATS, sizeof *values);
    if (!values) return GATEHOUSE_OUT_OF_MEMORY;
    pthread_t others[MOST_THREADS];
    uint32_t started = 1;
    while (started < threads && !pthread_create(&others[started], NULL, work, values + (size_t)started * BUSY_FLOATS)) {
        started++;
    }
    work(values);
    for (uint32_t i = 1; i < started; i++) pthread_join(others[i], NULL);
    free(values);
    return say(sink, 0, "done");
}

static const Kind kinds[] = {
    {"empty-c", GATEHOUSE_OUTPUT_TEXT, encode_empty},
    {"megabyte", GATEHOUSE_OUTPUT_ROWS, encode_megabyte},
    {"version", GATEHOUSE_OUTPUT_TEXT, encode_version},
    {"busy", GATEHOUSE_OUTPUT_TEXT, encode_busy},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void destroy(void *ctx) {
    free(ctx);
}

static GatehouseStatus reset(void *ctx) {
    (void)ctx;
    return GATEHOUSE_OK;
}

// The rows are nobody's: the decoder that they are said to be for is one that no file has.
static GatehouseStatus describe(void *ctx, GatehouseOutputs *outputs) {
    const Plugin *plugin = ctx;
    int makes_rows = plugin->kind->outputs == GATEHOUSE_OUTPUT_ROWS;
    *outputs = (GatehouseOutputs){
        .struct_size = sizeof *outputs,
        .kinds = plugin->kind->outputs,
        .width = makes_rows ? WIDTH : 0,
        .decoder = makes_rows ? &plugin->identity : NULL,
    };
    return GATEHOUSE_OK;
}

static GatehouseStatus encode(
    void *ctx, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    const Plugin *plugin = ctx;
    return plugin->kind->encode(plugin, job, input, sink);
}

static GatehouseStatus create(
    void *ctx, const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *job,
    const GatehouseInstance **instance) {
    (void)ctx, (void)job;
    const Kind *kind = NULL;
    for (int i = 0; i < KINDS; i++) {
        if (!strcmp(kinds[i].id, id)) kind = &kinds[i];
    }
    if (!kind) {
        static const char why[] = "this library holds the probes of gatehouse bench plugin only";
        arguments->host->set_error(arguments->host->ctx, why, sizeof why - 1);
        return GATEHOUSE_UNSUPPORTED;
    }
    Plugin *plugin = calloc(1, sizeof *plugin);
    if (!plugin) return GATEHOUSE_OUT_OF_MEMORY;
    plugin->kind = kind;
    plugin->threads = arguments->threads;
    plugin->identity = (GatehouseDecoderIdentity){
        .struct_size = sizeof plugin->identity,
        .hidden = WIDTH,
        .family = "none",
        .fingerprint = plugin->fingerprint,
    };
    plugin->face = (GatehouseInstance){
        .struct_size = sizeof plugin->face,
        .ctx = plugin,
        .destroy = destroy,
        .reset = reset,
        .describe = describe,
        .encode = encode,
    };
    *instance = &plugin->face;
    return GATEHOUSE_OK;
}

static GatehouseStatus initialize(void *ctx, const GatehouseHost *host) {
    (void)ctx, (void)host;
    return GATEHOUSE_OK;
}

static void finalize(void *ctx) {
    (void)ctx;
}

static uint32_t plugin_count(void *ctx) {
    (void)ctx;
    return KINDS;
}

#define DESCRIPTOR(name_, kinds_) \
    { \
        .struct_size = sizeof(GatehouseDescriptor), .flags = GATEHOUSE_SAFE_TO_CLOSE, .id = name_, .name = name_, \
        .vendor = "Gatehouse", .version = VERSION, .license = "Apache-2.0", .modality = "probe", \
        .media_types = "text/plain", .output_kinds = kinds_ \
    }

static const GatehouseDescriptor *plugin_at(void *ctx, uint32_t index) {
    static const GatehouseDescriptor descriptors[KINDS] = {
        DESCRIPTOR("empty-c", GATEHOUSE_OUTPUT_TEXT),
        DESCRIPTOR("megabyte", GATEHOUSE_OUTPUT_ROWS),
        DESCRIPTOR("version", GATEHOUSE_OUTPUT_TEXT),
        DESCRIPTOR("busy", GATEHOUSE_OUTPUT_TEXT),
    };
    (void)ctx;
    return index < KINDS ? &descriptors[index] : NULL;
}

const GatehouseEntry *gatehouse_plugin_entry(void) {
    static const GatehouseEntry entry = {
        .magic = GATEHOUSE_MAGIC,
        .struct_size = sizeof entry,
        .abi_major = GATEHOUSE_ABI_MAJOR,
        .abi_minor = GATEHOUSE_ABI_MINOR,
        .toolchain = "cc " __VERSION__,
        .initialize = initialize,
        .finalize = finalize,
        .plugin_count = plugin_count,
        .plugin = plugin_at,
        .create = create,
    };
    return &entry;
}
