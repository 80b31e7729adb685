// The plugin my-plugin: gatehouse.h is the contract, summary.c does the work.

#include <stdlib.h>
#include <string.h>

#include "gatehouse.h"
#include "summary.h"

static const GatehouseDescriptor descriptor = {
    .struct_size = sizeof(GatehouseDescriptor),
    .flags = GATEHOUSE_REENTRANT | GATEHOUSE_SAFE_TO_CLOSE,
    .id = "my-plugin",
    .name = "My plugin",
    .vendor = "",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .modality = "text",
    .media_types = "text/plain",
    .output_kinds = GATEHOUSE_OUTPUT_TEXT,
};

// One instance. Made by create, freed by destroy.
typedef struct Plugin {
    GatehouseInstance face;
    const GatehouseHost *host;
} Plugin;

static GatehouseStatus fail(const GatehouseHost *host, GatehouseStatus status, const char *why) {
    host->set_error(host->ctx, why, strlen(why));
    return status;
}

static void destroy(void *ctx) {
    free(ctx);
}

static GatehouseStatus reset(void *ctx) {
    (void)ctx;
    return GATEHOUSE_OK;
}

static GatehouseStatus describe(void *ctx, GatehouseOutputs *outputs) {
    (void)ctx;
    *outputs = (GatehouseOutputs){.struct_size = sizeof *outputs, .kinds = GATEHOUSE_OUTPUT_TEXT};
    return GATEHOUSE_OK;
}

static GatehouseStatus encode_part(const GatehousePart *part, uint32_t index, const GatehouseSink *sink) {
    char line[128];
    Summary summary = summarize(part->data, part->size);
    GatehouseText text = {
        .struct_size = sizeof text, .data = line, .size = summary_write(&summary, line, sizeof line)};
    GatehouseStatus status = sink->begin(sink->ctx, index, GATEHOUSE_OUTPUT_TEXT, text.size);
    if (status == GATEHOUSE_OK) status = sink->text(sink->ctx, &text);
    if (status == GATEHOUSE_OK) status = sink->end(sink->ctx);
    return status;
}

static GatehouseStatus encode(
    void *ctx, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    const Plugin *plugin = ctx;
    for (uint32_t i = 0; i < input->part_count; i++) {
        const GatehousePart *part = &input->parts[i];
        if (job->cancelled(job->ctx)) return GATEHOUSE_CANCELLED;
        if (part->kind != GATEHOUSE_PART_ENCODED || strcmp(part->media_type, "text/plain") != 0) {
            return fail(plugin->host, GATEHOUSE_UNSUPPORTED, "only files of the type text/plain are taken");
        }
        GatehouseStatus status = encode_part(part, i, sink);
        if (status != GATEHOUSE_OK) return status;
    }
    job->progress(job->ctx, 1);
    return GATEHOUSE_OK;
}

static GatehouseStatus create(
    void *ctx, const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *job,
    const GatehouseInstance **instance) {
    (void)ctx, (void)job;
    if (strcmp(id, descriptor.id) != 0) {
        return fail(arguments->host, GATEHOUSE_UNSUPPORTED, "this library holds the plugin my-plugin only");
    }
    Plugin *plugin = calloc(1, sizeof *plugin);
    if (!plugin) return fail(arguments->host, GATEHOUSE_OUT_OF_MEMORY, "there is no memory for an instance");
    plugin->host = arguments->host;
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
    return 1;
}

static const GatehouseDescriptor *plugin_at(void *ctx, uint32_t index) {
    (void)ctx;
    return index == 0 ? &descriptor : NULL;
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
