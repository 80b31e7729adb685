// A plugin that keeps every rule of gatehouse.h, and breaks one where -DBREAK=TEST names a test of the checker, with
// '_' for '-'. Each break is written to be seen by that test and by no other.

#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse.h"

enum Break {
    none, opens, one_symbol, run_path, entry_block, entry_same, scan_fast, descriptors, initialize_nests, ids_unique,
    past_the_end, descriptors_constant, schema_json, library_extension, closes, create, describe, wrong_id, create_within,
    configuration_borrowed, configuration_default, configuration_malformed, configuration_deep, configuration_unknown,
    create_cancelled, create_alone, create_cache, instance_extension, weights_needed, weights_absent, weights_cut,
    weights_noise, input_empty, input_one_byte, input_noise, input_cut, refusal_words, kind_unknown, kinds_decoded,
    type_unknown, after_refusal, encode, output_segments, output_text, output_spans, output_soft, output_rows,
    output_positions, output_bound, same_twice, several_parts, encode_within, input_borrowed, progress,
    silent_afterwards, sink_refuses, sink_refuses_last, cancel_before, cancel_during, polls, destroy_any_time,
    create_flat, encode_flat, refusals_flat, threads_joined, stdout_silent, process_untouched, any_thread, two_instances,
    instances_at_once, reentrant, self_test, batch, batch_refusal, stream, stream_ends, stream_stops,
    stream_alone, stream_configuration, streams_flat,
};

#ifndef BREAK
#define BREAK none
#endif

static int breaks(enum Break rule) {
    return rule == BREAK;
}

typedef struct Plugin {
    GatehouseInstance face;
    GatehouseSelfTest self_test;
    GatehouseBatch batch;
    GatehouseStreaming streaming;
    const GatehouseHost *host;
    const char *configuration;  // kept only to break configuration_borrowed
    const uint8_t *last_input;  // kept only to break input_borrowed
    GatehouseDecoderIdentity identity;
    char family[32];
    float fingerprint[64 * 8];
    pid_t thread;
    pthread_t late;
    int has_late, encodes, resets, was_cancelled, is_spoiled, has_slept;
    atomic_int inside;
} Plugin;

static atomic_int live;
static uint32_t count;
static _Atomic(Plugin *) running;

static void pause_for(int milliseconds) {
    nanosleep(&(struct timespec){0, milliseconds * 1000000L}, NULL);
}

static GatehouseStatus fail(const GatehouseHost *host, GatehouseStatus status, const char *why) {
    host->set_error(host->ctx, why, strlen(why));
    return status;
}

// A read that the compiler cannot take away.
static void read_byte(const void *address) {
    (void)*(const volatile char *)address;
}

// A leak that the compiler cannot take away.
static void leak(void) {
    static void *volatile lost;
    lost = malloc(1024);
    if (lost) memset(lost, 1, 1024);
}

// ---------------------------------------------------------------------------------------------------------------
// Instance

static void destroy_instance(void *ctx) {
    Plugin *plugin = ctx;
    if (breaks(any_thread) && plugin->thread != gettid()) abort();
    if (breaks(destroy_any_time) && plugin->was_cancelled) abort();
    if (plugin->has_late) pthread_join(plugin->late, NULL);
    live--;
    free(plugin);
}

static GatehouseStatus reset_instance(void *ctx) {
    ((Plugin *)ctx)->resets++;
    return GATEHOUSE_OK;
}

static GatehouseStatus describe_instance(void *ctx, GatehouseOutputs *outputs) {
    Plugin *plugin = ctx;
    int has_decoder = plugin->identity.hidden != 0;
    if (breaks(configuration_borrowed)) read_byte(plugin->configuration);
    *outputs = (GatehouseOutputs){
        .struct_size = sizeof *outputs,
        .kinds = GATEHOUSE_OUTPUT_TEXT | GATEHOUSE_OUTPUT_SOFT | (has_decoder ? GATEHOUSE_OUTPUT_ROWS : 0),
        .width = plugin->identity.hidden,
        .element_type = breaks(describe) ? 9 : GATEHOUSE_FLOAT32,
        .most_slots = breaks(output_bound) ? 3 : 4096,
        .decoder = has_decoder ? &plugin->identity : NULL,
    };
    return GATEHOUSE_OK;
}

static GatehouseStatus send_text(const GatehouseSink *sink, uint32_t part, const char *text) {
    GatehouseSpan span = {
        .begin = 0, .end = breaks(output_spans) ? 4000 : 2, .start_seconds = NAN, .end_seconds = NAN, .confidence = 1};
    GatehouseText view = {
        .struct_size = sizeof view, .span_count = 1, .data = text, .size = strlen(text), .spans = &span};
    GatehouseStatus status = sink->begin(sink->ctx, part, GATEHOUSE_OUTPUT_TEXT, view.size);
    if (status != GATEHOUSE_OK && !breaks(sink_refuses)) return status;
    status = sink->text(sink->ctx, &view);
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

static GatehouseStatus send_soft(const GatehouseSink *sink, uint32_t part) {
    const uint32_t slots[] = {0, 2}, pieces[] = {0, 1, 2};
    const float weights[] = {0.75f, breaks(output_soft) ? 0.75f : 0.25f};
    GatehouseSoft view = {
        .struct_size = sizeof view, .slot_count = 1, .slot_offsets = slots, .piece_offsets = pieces, .bytes = "ab",
        .weights = weights};
    GatehouseStatus status = sink->begin(sink->ctx, part, GATEHOUSE_OUTPUT_SOFT, 1);
    if (status == GATEHOUSE_OK) status = sink->soft(sink->ctx, &view);
    return status == GATEHOUSE_OK ? sink->end(sink->ctx) : status;
}

static GatehouseStatus send_rows(const GatehouseSink *sink, uint32_t part, uint32_t width) {
    float values[64] = {1, 2};
    const int32_t positions[] = {0, 0, 0, 0, 0, breaks(output_positions) ? 2 : 1};
    if (breaks(output_rows)) values[1] = NAN;
    GatehouseRows view = {
        .struct_size = sizeof view, .rows = 2, .width = width, .stride = width * sizeof(float), .data = values, .axes = 3,
        .grid_t = 1, .grid_h = 1, .grid_w = 2, .positions = positions};
    GatehouseStatus status = sink->begin(sink->ctx, part, GATEHOUSE_OUTPUT_ROWS, 2);
    if (status == GATEHOUSE_OK) status = sink->rows(sink->ctx, &view);
    if (breaks(output_segments)) return status;
    if (status == GATEHOUSE_OK) status = sink->end(sink->ctx);
    return breaks(sink_refuses_last) ? GATEHOUSE_OK : status;
}

static GatehouseStatus admit(const Plugin *plugin, const GatehousePart *part) {
    int is_known = part->kind == GATEHOUSE_PART_ENCODED || (breaks(kind_unknown) && part->kind == 99);
    if (breaks(kinds_decoded) && part->kind == GATEHOUSE_PART_PCM) return fail(plugin->host, GATEHOUSE_FAILED, "PCM");
    if (!is_known) return fail(plugin->host, GATEHOUSE_UNSUPPORTED, "only files are taken");
    if (strcmp(part->media_type, "text/plain") && !breaks(type_unknown)) {
        return fail(plugin->host, GATEHOUSE_UNSUPPORTED, "only text/plain is taken");
    }
    int is_cut = part->size > 1 && part->data[0] == '#' && part->data[part->size - 1] != '\n';
    if ((breaks(input_empty) && part->size == 0) || (breaks(input_one_byte) && part->size == 1)
        || (breaks(input_noise) && part->size > 1 << 20) || (breaks(input_cut) && is_cut)) {
        return fail(plugin->host, GATEHOUSE_FAILED, "something went wrong");
    }
    // No UTF-8 has this byte.
    if (part->size && memchr(part->data, 0xFF, part->size)) {
        return breaks(refusal_words) ? GATEHOUSE_BAD_INPUT : fail(plugin->host, GATEHOUSE_BAD_INPUT, "not UTF-8");
    }
    return GATEHOUSE_OK;
}

static GatehouseStatus encode_part(Plugin *plugin, const GatehousePart *part, uint32_t index, const GatehouseSink *sink) {
    char text[64];
    int odd = plugin->is_spoiled || (breaks(same_twice) && plugin->resets && plugin->encodes >= 3)
        || (breaks(two_instances) && live > 1) || (breaks(reentrant) && plugin->inside > 1)
        || (breaks(instances_at_once) && running != plugin);
    snprintf(text, sizeof text, "%s%llu bytes%s", breaks(output_text) ? "\xC3(" : "", (unsigned long long)part->size,
             odd ? "!" : "");
    if (breaks(encode_within) && part->size) *(volatile uint8_t *)part->data = part->data[0];
    GatehouseStatus status = send_text(sink, index, text);
    if (status == GATEHOUSE_OK) status = send_soft(sink, index);
    if (status == GATEHOUSE_OK && plugin->identity.hidden) {
        status = send_rows(sink, index, plugin->identity.hidden);
    }
    return status;
}

static void *speak_late(void *ctx) {
    Plugin *plugin = ctx;
    pause_for(60);
    fail(plugin->host, GATEHOUSE_FAILED, "late");
    return NULL;
}

static void misbehave_before(Plugin *plugin, const GatehouseInput *input) {
    if (breaks(input_borrowed) && plugin->last_input) read_byte(plugin->last_input);
    plugin->last_input = input->parts[0].size ? input->parts[0].data : NULL;
    if (breaks(stdout_silent) && write(STDOUT_FILENO, "hello\n", 6) != 6) abort();
    if (breaks(silent_afterwards) && !plugin->has_late) {
        plugin->has_late = !pthread_create(&plugin->late, NULL, speak_late, plugin);
    }
    if (breaks(polls) && !plugin->has_slept) {
        plugin->has_slept = 1;
        for (int i = 0; i < 11; i++) pause_for(100);
    }
    running = plugin;
    if (breaks(instances_at_once) || breaks(reentrant)) pause_for(20);
}

static GatehouseStatus encode_parts(
    Plugin *plugin, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    if (breaks(encode)) return fail(plugin->host, GATEHOUSE_FAILED, "it never works");
    for (uint32_t i = 0; i < input->part_count; i++) {
        GatehouseStatus status = admit(plugin, &input->parts[i]);
        if (status == GATEHOUSE_BAD_INPUT && breaks(after_refusal)) plugin->is_spoiled = 1;
        if (status != GATEHOUSE_OK) return status;
    }
    int is_cancelled = job->cancelled(job->ctx);
    misbehave_before(plugin, input);
    if (is_cancelled && !breaks(cancel_before)) return GATEHOUSE_CANCELLED;
    for (int i = 0; i < 3; i++) {
        if (job->cancelled(job->ctx) && !is_cancelled && !breaks(cancel_during)) return GATEHOUSE_CANCELLED;
    }
    for (uint32_t i = 0; i < (breaks(several_parts) ? 1 : input->part_count); i++) {
        GatehouseStatus status = encode_part(plugin, &input->parts[i], i, sink);
        if (status != GATEHOUSE_OK) return status;
    }
    job->progress(job->ctx, breaks(progress) ? 2 : 1);
    if (breaks(encode_flat) && input->parts[0].size) leak();
    plugin->encodes++;
    return GATEHOUSE_OK;
}

static GatehouseStatus encode_instance(
    void *ctx, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink) {
    Plugin *plugin = ctx;
    plugin->inside++;
    GatehouseStatus status = encode_parts(plugin, job, input, sink);
    plugin->inside--;
    if (status == GATEHOUSE_CANCELLED) plugin->was_cancelled = 1;
    if (status != GATEHOUSE_OK && breaks(refusals_flat)) leak();
    return status;
}

// ---------------------------------------------------------------------------------------------------------------
// Create

static int nest(const char *text, uint64_t size) {
    volatile char frame[256];
    frame[0] = size ? text[0] : 0;
    return size ? frame[0] + nest(text + 1, size - 1) : 0;
}

// It has no keys: an object with nothing in it is all it takes.
static GatehouseStatus configure(const GatehouseHost *host, const char *text, uint64_t size) {
    char kept[8] = "";
    int length = 0, other = 0;
    for (uint64_t i = 0; i < size; i++) {
        if (strchr(" \n\t\r", text[i]) && text[i]) continue;
        if (length < 7) kept[length++] = text[i];
        else other = 1;
    }
    if (!other && !strcmp(kept, "{}") && !(breaks(configuration_default) && size > 2)) return GATEHOUSE_OK;
    if (breaks(configuration_malformed) && !strcmp(kept, "[1]")) return GATEHOUSE_OK;
    if (breaks(configuration_deep) && size > 100000 && nest(text, size)) return GATEHOUSE_OK;
    int names = memmem(text, size, "gatehouse_unknown_key", 21) && !breaks(configuration_unknown);
    return fail(host, GATEHOUSE_BAD_CONFIGURATION,
                names ? "gatehouse_unknown_key: expected no key" : "expected an object without keys");
}

// 1024 bytes that begin with "FIXTURE\n".
static GatehouseStatus read_weights(const GatehouseHost *host, const char *path) {
    char start[8] = "", why[600];
    snprintf(why, sizeof why, "%s: it is missing or damaged", path);
    FILE *file = fopen(path, "rb");
    if (!file) return fail(host, GATEHOUSE_NO_WEIGHTS, breaks(weights_absent) ? "no weights" : why);
    size_t count = fread(start, 1, sizeof start, file);
    fseek(file, 0, SEEK_END);
    int is_whole = count == sizeof start && (ftell(file) == 1024 || breaks(weights_cut));
    fclose(file);
    if (is_whole && (!memcmp(start, "FIXTURE\n", 8) || breaks(weights_noise))) return GATEHOUSE_OK;
    return fail(host, GATEHOUSE_NO_WEIGHTS, why);
}

static GatehouseStatus check_arguments(
    const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *job) {
    const GatehouseHost *host = arguments->host;
    if (breaks(create_within)) read_byte((const char *)arguments + sizeof *arguments);
    if (strcmp(id, "broken") && !breaks(wrong_id)) return fail(host, GATEHOUSE_UNSUPPORTED, "no such plugin");
    if (breaks(create)) return fail(host, GATEHOUSE_FAILED, "it never works");
    if (breaks(create_alone) && !arguments->decoder) return fail(host, GATEHOUSE_FAILED, "no decoder");
    if (breaks(create_cache) && arguments->cache_folder) rmdir(arguments->cache_folder);
    if (breaks(create_flat)) leak();
    if (job->cancelled(job->ctx)) {
        return breaks(create_cancelled) ? fail(host, GATEHOUSE_FAILED, "cancelled") : GATEHOUSE_CANCELLED;
    }
    GatehouseStatus status = configure(host, arguments->configuration, arguments->configuration_size);
    if (status != GATEHOUSE_OK) return status;
    if (breaks(weights_needed) && !arguments->weights) return fail(host, GATEHOUSE_NO_WEIGHTS, "no weights");
    return arguments->weights ? read_weights(host, arguments->weights) : GATEHOUSE_OK;
}

static GatehouseStatus test_instance(void *ctx, const GatehouseJob *job) {
    (void)job;
    return breaks(self_test) ? fail(((Plugin *)ctx)->host, GATEHOUSE_FAILED, "1 + 1 came out as 3") : GATEHOUSE_OK;
}

// One after the other; what is said of a call is said to its own host.
static void encode_batch(void *ctx, uint32_t count, const GatehouseBatchCall *calls, GatehouseStatus *statuses) {
    Plugin *plugin = ctx;
    const GatehouseHost *own = plugin->host;
    int is_over = 0;
    for (uint32_t i = 0; i < count; i++) {
        plugin->host = calls[i].host;
        plugin->is_spoiled = breaks(batch) && i > 0;
        statuses[i] = is_over ? fail(plugin->host, GATEHOUSE_FAILED, "another call was refused")
                              : encode_instance(plugin, calls[i].job, calls[i].input, calls[i].sink);
        if (breaks(batch_refusal) && statuses[i] != GATEHOUSE_OK) is_over = 1;
    }
    plugin->is_spoiled = 0;
    plugin->host = own;
}

// ---------------------------------------------------------------------------------------------------------------
// Streams: a letter for every thousand frames, and a tail for those that are on the way

typedef struct Stream {
    GatehouseStream face;
    Plugin *plugin;
    uint64_t frames, revision, sent;
    uint32_t sample_rate;
    int is_over;
} Stream;

static uint32_t open_streams;

static GatehouseStatus send_partial(Stream *heard, int is_final, const GatehouseStreamSink *sink) {
    char text[4096];
    uint64_t letters = heard->frames / 1000, size = letters < 4000 ? letters : 4000;
    memset(text, breaks(stream_alone) && open_streams > 1 ? 'b' : 'a', size);
    if (heard->frames % 1000) text[size++] = is_final ? '.' : '~';
    double seconds = (double)heard->frames / heard->sample_rate;
    // What was sent as stable is not sent again.
    GatehouseText view = {.struct_size = sizeof view, .data = text + heard->sent, .size = size - heard->sent};
    GatehousePartial partial = {
        .struct_size = sizeof partial, .is_final = (uint32_t)is_final, .revision = ++heard->revision,
        .offset = heard->sent, .stable = is_final || breaks(stream) ? size : letters, .end_seconds = seconds,
        .text = &view};
    heard->sent = letters;
    GatehouseStatus status = sink->partial(sink->ctx, &partial);
    return breaks(stream_stops) ? GATEHOUSE_OK : status;
}

static GatehouseStatus end_call(Stream *heard, GatehouseStatus status) {
    if (status != GATEHOUSE_OK) heard->is_over = 1;
    return status;
}

static GatehouseStatus push_stream(
    void *ctx, const GatehouseJob *job, const float *samples, uint64_t frames, const GatehouseStreamSink *sink) {
    Stream *heard = ctx;
    if (heard->is_over) return fail(heard->plugin->host, GATEHOUSE_FAILED, "the stream has ended");
    if (job->cancelled(job->ctx)) return end_call(heard, GATEHOUSE_CANCELLED);
    if (frames) read_byte(samples);
    heard->frames += frames;
    return frames ? end_call(heard, send_partial(heard, 0, sink)) : GATEHOUSE_OK;
}

static GatehouseStatus finish_stream(void *ctx, const GatehouseJob *job, const GatehouseStreamSink *sink) {
    Stream *heard = ctx;
    (void)job;
    if (heard->is_over) return fail(heard->plugin->host, GATEHOUSE_FAILED, "the stream has ended");
    heard->is_over = !breaks(stream_ends);
    return send_partial(heard, 1, sink);
}

static void close_stream(void *ctx) {
    open_streams--;
    free(ctx);
    if (breaks(streams_flat)) leak();
}

static GatehouseStatus open_stream(
    void *ctx, const GatehouseJob *job, const GatehouseStreamFormat *format, const GatehouseStream **opened) {
    Plugin *plugin = ctx;
    (void)job;
    int is_empty = format->configuration_size == 2 && !memcmp(format->configuration, "{}", 2);
    if (!is_empty && !breaks(stream_configuration)) {
        return fail(plugin->host, GATEHOUSE_BAD_CONFIGURATION, "expected an object without keys");
    }
    Stream *heard = calloc(1, sizeof *heard);
    if (!heard) return fail(plugin->host, GATEHOUSE_OUT_OF_MEMORY, "no memory");
    open_streams++;
    heard->plugin = plugin;
    heard->sample_rate = format->sample_rate;
    heard->face = (GatehouseStream){
        .struct_size = sizeof heard->face, .ctx = heard, .push = push_stream, .finish = finish_stream,
        .close = close_stream};
    *opened = &heard->face;
    return GATEHOUSE_OK;
}

static const void *extend_instance(void *ctx, const char *id) {
    Plugin *plugin = ctx;
    if (!strcmp(id, GATEHOUSE_STREAM)) return &plugin->streaming;
    if (!strcmp(id, GATEHOUSE_SELF_TEST)) return &plugin->self_test;
    if (!strcmp(id, GATEHOUSE_BATCH)) return &plugin->batch;
    return breaks(instance_extension) ? ctx : NULL;
}

static GatehouseStatus create_instance(
    void *ctx, const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *job,
    const GatehouseInstance **instance) {
    (void)ctx;
    GatehouseStatus status = check_arguments(id, arguments, job);
    if (status != GATEHOUSE_OK) return status;
    Plugin *plugin = calloc(1, sizeof *plugin);
    if (!plugin) return fail(arguments->host, GATEHOUSE_OUT_OF_MEMORY, "no memory");
    live++;
    plugin->host = arguments->host;
    plugin->configuration = arguments->configuration;
    plugin->thread = gettid();
    if (arguments->decoder && arguments->decoder->identity->hidden <= 32) {
        const GatehouseDecoderIdentity *given = arguments->decoder->identity;
        snprintf(plugin->family, sizeof plugin->family, "%s", given->family);
        memcpy(plugin->fingerprint, given->fingerprint, sizeof plugin->fingerprint);
        plugin->identity = (GatehouseDecoderIdentity){
            .struct_size = sizeof plugin->identity, .hidden = given->hidden, .family = plugin->family,
            .fingerprint = plugin->fingerprint};
    }
    plugin->face = (GatehouseInstance){
        .struct_size = sizeof plugin->face, .ctx = plugin, .destroy = destroy_instance, .reset = reset_instance,
        .describe = describe_instance, .encode = encode_instance, .extension = extend_instance};
    plugin->self_test =
        (GatehouseSelfTest){.struct_size = sizeof plugin->self_test, .ctx = plugin, .run = test_instance};
    plugin->batch = (GatehouseBatch){
        .struct_size = sizeof plugin->batch, .most_calls = 4, .ctx = plugin, .encode = encode_batch};
    plugin->streaming = (GatehouseStreaming){
        .struct_size = sizeof plugin->streaming, .most_streams = 4, .ctx = plugin, .open = open_stream};
    *instance = &plugin->face;
    return GATEHOUSE_OK;
}

// ---------------------------------------------------------------------------------------------------------------
// Library

static char vendor[32] = "Gatehouse tests";

static const GatehouseDescriptor descriptor = {
    .struct_size = sizeof descriptor,
    // A thread that runs on is what makes closing unsafe.
    .flags = GATEHOUSE_REENTRANT | (BREAK == threads_joined ? 0 : GATEHOUSE_SAFE_TO_CLOSE),
    .id = "broken",
    .name = "Broken",
    .vendor = vendor,
    .version = BREAK == descriptors ? "one" : "1.0.0",
    .license = "Apache-2.0",
    .modality = "test",
    .media_types = "text/plain",
    .output_kinds = GATEHOUSE_OUTPUT_TEXT | GATEHOUSE_OUTPUT_SOFT | GATEHOUSE_OUTPUT_ROWS,
    .configuration_schema = BREAK == schema_json ? "{" : "{\"type\": \"object\", \"additionalProperties\": false}",
};

#if defined UNDEFINED
extern void defined_nowhere(void);
#else
static void defined_nowhere(void) {}
#endif

__attribute__((visibility(VISIBILITY))) int another_symbol = 1;

static GatehouseStatus initialize(void *ctx, const GatehouseHost *host) {
    (void)ctx, (void)host;
    count = breaks(ids_unique) ? 2 : 1;
    if (breaks(scan_fast)) pause_for(130);
    if (breaks(opens)) defined_nowhere();
    if (breaks(descriptors_constant)) snprintf(vendor, sizeof vendor, "process %d", getpid());
    if (breaks(process_untouched)) signal(SIGUSR1, SIG_IGN);
    return GATEHOUSE_OK;
}

static void *never_end(void *ctx) {
    pause();
    return ctx;
}

static void finalize(void *ctx) {
    pthread_t thread;
    (void)ctx;
    if (breaks(initialize_nests)) count = 0;
    if (breaks(threads_joined)) pthread_create(&thread, NULL, never_end, NULL);
}

static uint32_t plugin_count(void *ctx) {
    (void)ctx;
    return count;
}

static const GatehouseDescriptor *plugin_at(void *ctx, uint32_t index) {
    (void)ctx;
    return index < count || breaks(past_the_end) ? &descriptor : NULL;
}

static const void *extend_library(void *ctx, const char *id) {
    (void)ctx, (void)id;
    return breaks(library_extension) ? &descriptor : NULL;
}

const GatehouseEntry *gatehouse_plugin_entry(void) {
    static GatehouseEntry entries[2];
    static int next;
    for (int i = 0; i < 2; i++) {
        entries[i] = (GatehouseEntry){
            .magic = GATEHOUSE_MAGIC, .struct_size = sizeof entries[i], .abi_major = GATEHOUSE_ABI_MAJOR,
            .abi_minor = GATEHOUSE_ABI_MINOR, .reserved = breaks(entry_block),
            .toolchain = breaks(closes) ? "swift 6.3, dynamic" : "cc", .initialize = initialize, .finalize = finalize,
            .plugin_count = plugin_count, .plugin = plugin_at, .create = create_instance, .extension = extend_library};
    }
    return &entries[breaks(entry_same) ? next++ % 2 : 0];
}
