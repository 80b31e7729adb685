// A plugin of ABI 1.0, kept as it was; gatehouse.h beside it is the header of that day. Neither is ever changed.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse.h"


typedef struct Summary {
    uint64_t lines;
    uint64_t words;
    uint64_t longest;  // bytes of the longest line
} Summary;

// Any bytes will do.
Summary summarize(const uint8_t *text, uint64_t size);

// Writes at most `capacity` bytes with the final NUL; returns how many without it.
size_t summary_write(const Summary *summary, char *out, size_t capacity);


static int is_space(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

Summary summarize(const uint8_t *text, uint64_t size) {
    Summary summary = {0};
    uint64_t length = 0;
    int in_word = 0;
    for (uint64_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            summary.lines++;
            length = 0;
        } else if (++length > summary.longest) {
            summary.longest = length;
        }
        if (!is_space(text[i]) && !in_word) summary.words++;
        in_word = !is_space(text[i]);
    }
    // A last line without a line end is a line too.
    if (length > 0) summary.lines++;
    return summary;
}

size_t summary_write(const Summary *summary, char *out, size_t capacity) {
    int length = snprintf(out, capacity, "%" PRIu64 " lines, %" PRIu64 " words, longest line %" PRIu64 " bytes",
                          summary->lines, summary->words, summary->longest);
    return length < 0 ? 0 : (size_t)length < capacity ? (size_t)length : capacity - 1;
}

static const GatehouseDescriptor descriptor = {
    .struct_size = sizeof(GatehouseDescriptor),
    .flags = GATEHOUSE_REENTRANT | GATEHOUSE_SAFE_TO_CLOSE,
    .id = "frozen",
    .name = "Frozen",
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
        return fail(arguments->host, GATEHOUSE_UNSUPPORTED, "this library holds the plugin frozen only");
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
