// The entry block, the descriptor and the life of an instance: what gatehouse.h asks for, and nothing of how
// a picture is read.

#include "configuration.h"
#include "image.h"
#include "page.h"
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct ScreenText {
    GatehouseInstance instance;
    const GatehouseHost *host;
    Reader *reader;
} ScreenText;

// -----------------------------------------------------------------------------------------------------------
// Instance

static GatehouseStatus report(const GatehouseHost *host, const Failure *failure)
{
    host->set_error(host->ctx, failure->reason, strlen(failure->reason));
    return failure->status;
}

static void instance_destroy(void *ctx)
{
    ScreenText *plugin = ctx;
    reader_destroy(plugin->reader);
    free(plugin);
}

static GatehouseStatus instance_reset(void *ctx)
{
    ScreenText *plugin = ctx;
    reader_forget(plugin->reader);
    return GATEHOUSE_OK;
}

static GatehouseStatus instance_describe(void *ctx, GatehouseOutputs *outputs)
{
    (void)ctx;
    *outputs = (GatehouseOutputs){.struct_size = sizeof *outputs, .kinds = GATEHOUSE_OUTPUT_TEXT};
    return GATEHOUSE_OK;
}

static GatehouseStatus deliver(const GatehouseSink *sink, uint32_t part, const Reading *reading)
{
    GatehouseText text = {.struct_size = sizeof text,
                          .span_count = reading->span_count,
                          .data = reading->text,
                          .size = reading->size,
                          .spans = reading->spans};
    GatehouseStatus status = sink->begin(sink->ctx, part, GATEHOUSE_OUTPUT_TEXT, reading->size);
    if (status == GATEHOUSE_OK) status = sink->text(sink->ctx, &text);
    if (status == GATEHOUSE_OK) status = sink->end(sink->ctx);
    return status;
}

// An empty segment, and a line in the log for the operator who wonders why.
static GatehouseStatus deliver_nothing(const GatehouseHost *host, const GatehouseSink *sink, uint32_t part)
{
    char line[128];
    int length =
        snprintf(line, sizeof line,
                 "screen-text: part %u is noise or texture all over and was not searched for text.", part);
    host->log(host->ctx, GATEHOUSE_LOG_INFO, line, (uint64_t)length);
    return deliver(sink, part, &(Reading){.text = ""});
}

// One part from bytes to sink. A refusal by the sink comes back with an empty reason: it is passed on
// silently.
static GatehouseStatus encode_part(
    ScreenText *plugin, const GatehouseJob *job, const GatehouseInput *input, uint32_t part,
    const GatehouseSink *sink, Failure *failure)
{
    PIX *picture = NULL, *page = NULL;
    GatehouseStatus status = image_decode(&input->parts[part], &picture, failure);
    if (status == GATEHOUSE_OK && job->cancelled(job->ctx)) status = GATEHOUSE_CANCELLED;
    if (status == GATEHOUSE_OK) status = page_make(picture, job, &page, failure);
    pixDestroy(&picture);
    if (status != GATEHOUSE_OK) return status;
    if (!page) return deliver_nothing(plugin->host, sink, part);

    Share share = {.job = job, .begin = (double)part / input->part_count, .width = 1.0 / input->part_count};
    Reading reading = {0};
    status = reader_read(plugin->reader, page, &share, &reading, failure);
    pixDestroy(&page);
    if (status != GATEHOUSE_OK) return status;
    status = deliver(sink, part, &reading);
    reading_free(&reading);
    return status;
}

static GatehouseStatus instance_encode(
    void *ctx, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink)
{
    ScreenText *plugin = ctx;
    for (uint32_t part = 0; part < input->part_count; part++) {
        if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
        Failure failure = {0};
        GatehouseStatus status = encode_part(plugin, job, input, part, sink, &failure);
        if (status != GATEHOUSE_OK) return failure.reason[0] ? report(plugin->host, &failure) : status;
    }
    job->progress(job->ctx, 1);
    return GATEHOUSE_OK;
}

// -----------------------------------------------------------------------------------------------------------
// Library

static const GatehouseDescriptor descriptor = {
    .struct_size = sizeof(GatehouseDescriptor),
    .id = "screen-text",
    .name = "Screen text",
    .vendor = "Gatehouse",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .modality = "image",
    .media_types = "image/png image/jpeg",
    .output_kinds = GATEHOUSE_OUTPUT_TEXT,
    .configuration_schema = configuration_schema,
};

static GatehouseStatus library_initialize(void *ctx, const GatehouseHost *host)
{
    (void)ctx, (void)host;
    // Leptonica writes what it thinks to standard error; failures are reported through set_error instead.
    setMsgSeverity(L_SEVERITY_NONE);
    return GATEHOUSE_OK;
}

static void library_finalize(void *ctx)
{
    (void)ctx;
}

static uint32_t library_plugin_count(void *ctx)
{
    (void)ctx;
    return 1;
}

static const GatehouseDescriptor *library_plugin(void *ctx, uint32_t index)
{
    (void)ctx;
    return index == 0 ? &descriptor : NULL;
}

static GatehouseStatus create(
    const GatehouseCreateArguments *arguments, const GatehouseJob *job, ScreenText *plugin, Failure *failure)
{
    Configuration configuration;
    char tessdata[4096];
    GatehouseStatus status =
        configuration_read(arguments->configuration, arguments->configuration_size, &configuration, failure);
    if (status == GATEHOUSE_OK)
        status = configuration_find_tessdata(&configuration, arguments->weights, tessdata,
                                             sizeof tessdata, failure);
    if (status != GATEHOUSE_OK) return status;
    if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
    return reader_create(tessdata, &configuration, job, &plugin->reader, failure);
}

static GatehouseStatus library_create(
    void *ctx, const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *job,
    const GatehouseInstance **instance)
{
    (void)ctx;
    Failure failure = {0};
    if (strcmp(id, descriptor.id) != 0) {
        fail(&failure, GATEHOUSE_UNSUPPORTED, "This library has no plugin '%.60s', only '%s'.", id,
             descriptor.id);
        return report(arguments->host, &failure);
    }
    ScreenText *plugin = calloc(1, sizeof *plugin);
    if (!plugin) {
        fail(&failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory for an instance.");
        return report(arguments->host, &failure);
    }
    GatehouseStatus status = create(arguments, job, plugin, &failure);
    if (status != GATEHOUSE_OK) {
        free(plugin);
        return failure.reason[0] ? report(arguments->host, &failure) : status;
    }
    plugin->host = arguments->host;
    plugin->instance = (GatehouseInstance){.struct_size = sizeof plugin->instance,
                                           .ctx = plugin,
                                           .destroy = instance_destroy,
                                           .reset = instance_reset,
                                           .describe = instance_describe,
                                           .encode = instance_encode};
    *instance = &plugin->instance;
    return GATEHOUSE_OK;
}

static const GatehouseEntry entry = {
    .magic = 0x0045534845544147u,  // GATEHOUSE_MAGIC, which C does not count as a constant expression
    .struct_size = sizeof(GatehouseEntry),
    .abi_major = GATEHOUSE_ABI_MAJOR,
    .abi_minor = GATEHOUSE_ABI_MINOR,
    .toolchain = "gcc " __VERSION__,
    .initialize = library_initialize,
    .finalize = library_finalize,
    .plugin_count = library_plugin_count,
    .plugin = library_plugin,
    .create = library_create,
};

const GatehouseEntry *gatehouse_plugin_entry(void)
{
    return &entry;
}
