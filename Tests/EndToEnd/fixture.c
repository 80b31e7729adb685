// A plugin library as its author would write one, against gatehouse.h alone: `patient` waits where its input says so,
// `numbers` makes rows. The tests build it with cc.

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gatehouse.h"

enum { WIDTH = 4 };

typedef struct Fixture {
    GatehouseInstance instance;
    const GatehouseHost *host;
    int makes_rows;
} Fixture;

static void destroy(void *ctx) { free(ctx); }

static GatehouseStatus reset(void *ctx)
{
    (void)ctx;
    return GATEHOUSE_OK;
}

static GatehouseStatus describe(void *ctx, GatehouseOutputs *outputs)
{
    const Fixture *fixture = ctx;
    *outputs = (GatehouseOutputs){.struct_size = sizeof *outputs,
                                  .kinds = fixture->makes_rows ? GATEHOUSE_OUTPUT_ROWS : GATEHOUSE_OUTPUT_TEXT,
                                  .width = fixture->makes_rows ? WIDTH : 0};
    return GATEHOUSE_OK;
}

// Until nobody wants the result.
static GatehouseStatus wait_for_cancel(const GatehouseJob *job)
{
    const struct timespec step = {.tv_nsec = 5000000};
    while (!job->cancelled(job->ctx)) nanosleep(&step, NULL);
    return GATEHOUSE_CANCELLED;
}

// Says back what it was given; given "wait", it waits.
static GatehouseStatus say(
    const GatehouseJob *job, const GatehousePart *part, uint32_t index, const GatehouseSink *sink)
{
    if (part->size >= 4 && !memcmp(part->data, "wait", 4)) return wait_for_cancel(job);
    GatehouseText text = {.struct_size = sizeof text, .data = (const char *)part->data, .size = part->size};
    GatehouseStatus status = sink->begin(sink->ctx, index, GATEHOUSE_OUTPUT_TEXT, part->size);
    if (status == GATEHOUSE_OK) status = sink->text(sink->ctx, &text);
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

// A row for each byte: its value times 1, 2, 3 and 4.
static GatehouseStatus count(const GatehousePart *part, uint32_t index, const GatehouseSink *sink)
{
    GatehouseStatus status = sink->begin(sink->ctx, index, GATEHOUSE_OUTPUT_ROWS, part->size);
    for (uint64_t i = 0; i < part->size && status == GATEHOUSE_OK; i++) {
        float row[WIDTH];
        for (int j = 0; j < WIDTH; j++) row[j] = (float)(part->data[i] * (j + 1));
        GatehouseRows rows = {.struct_size = sizeof rows,
                              .element_type = GATEHOUSE_FLOAT32,
                              .rows = 1,
                              .width = WIDTH,
                              .stride = sizeof row,
                              .data = row};
        status = sink->rows(sink->ctx, &rows);
    }
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

static GatehouseStatus encode(
    void *ctx, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink)
{
    const Fixture *fixture = ctx;
    for (uint32_t i = 0; i < input->part_count; i++) {
        GatehouseStatus status =
            fixture->makes_rows ? count(&input->parts[i], i, sink) : say(job, &input->parts[i], i, sink);
        if (status != GATEHOUSE_OK) return status;
    }
    return GATEHOUSE_OK;
}

static const GatehouseDescriptor descriptors[] = {
    {.struct_size = sizeof(GatehouseDescriptor),
     .id = "patient",
     .name = "Patient",
     .vendor = "Gatehouse tests",
     .version = "1.0.0",
     .license = "Apache-2.0",
     .modality = "text",
     .media_types = "text/plain",
     .output_kinds = GATEHOUSE_OUTPUT_TEXT},
    {.struct_size = sizeof(GatehouseDescriptor),
     .id = "numbers",
     .name = "Numbers",
     .vendor = "Gatehouse tests",
     .version = "1.0.0",
     .license = "Apache-2.0",
     .modality = "text",
     .media_types = "text/csv",
     .output_kinds = GATEHOUSE_OUTPUT_ROWS},
};

static GatehouseStatus initialize(void *ctx, const GatehouseHost *host)
{
    (void)ctx, (void)host;
    return GATEHOUSE_OK;
}

static void finalize(void *ctx) { (void)ctx; }

static uint32_t plugin_count(void *ctx)
{
    (void)ctx;
    return sizeof descriptors / sizeof descriptors[0];
}

static const GatehouseDescriptor *plugin(void *ctx, uint32_t index)
{
    return index < plugin_count(ctx) ? &descriptors[index] : NULL;
}

static GatehouseStatus create(
    void *ctx, const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *job,
    const GatehouseInstance **instance)
{
    (void)ctx, (void)job;
    Fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture) return GATEHOUSE_OUT_OF_MEMORY;
    fixture->host = arguments->host;
    fixture->makes_rows = !strcmp(id, "numbers");
    fixture->instance = (GatehouseInstance){.struct_size = sizeof fixture->instance,
                                            .ctx = fixture,
                                            .destroy = destroy,
                                            .reset = reset,
                                            .describe = describe,
                                            .encode = encode};
    *instance = &fixture->instance;
    return GATEHOUSE_OK;
}

const GatehouseEntry *gatehouse_plugin_entry(void)
{
    static GatehouseEntry entry = {.struct_size = sizeof entry,
                                   .abi_major = GATEHOUSE_ABI_MAJOR,
                                   .abi_minor = GATEHOUSE_ABI_MINOR,
                                   .toolchain = "cc",
                                   .initialize = initialize,
                                   .finalize = finalize,
                                   .plugin_count = plugin_count,
                                   .plugin = plugin,
                                   .create = create};
    entry.magic = GATEHOUSE_MAGIC;
    return &entry;
}
