#include "host.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const GatehouseEntry *library;

double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void recorder_clear(Recorder *recorder)
{
    free(recorder->text);
    *recorder = (Recorder){0};
}

static void host_log(void *ctx, int32_t level, const char *text, uint64_t size)
{
    Recorder *recorder = ctx;
    recorder->logs++;
    recorder->log_level = level;
    snprintf(recorder->log, sizeof recorder->log, "%.*s", (int)size, text);
}

static void host_set_error(void *ctx, const char *text, uint64_t size)
{
    Recorder *recorder = ctx;
    recorder->errors++;
    snprintf(recorder->error, sizeof recorder->error, "%.*s", (int)size, text);
}

static const void *host_extension(void *ctx, const char *id)
{
    (void)ctx, (void)id;
    return NULL;
}

GatehouseHost host_for(Recorder *recorder)
{
    return (GatehouseHost){.struct_size = sizeof(GatehouseHost),
                           .abi_major = GATEHOUSE_ABI_MAJOR,
                           .abi_minor = GATEHOUSE_ABI_MINOR,
                           .ctx = recorder,
                           .name = "screen-text tests",
                           .log = host_log,
                           .set_error = host_set_error,
                           .extension = host_extension};
}

static int32_t job_cancelled(void *ctx)
{
    Recorder *recorder = ctx;
    double time = now();
    if (recorder->polls++ > 0 && time - recorder->last_poll > recorder->longest_silence)
        recorder->longest_silence = time - recorder->last_poll;
    recorder->last_poll = time;
    return recorder->cancel_at_poll != 0 && recorder->polls >= recorder->cancel_at_poll;
}

static void job_progress(void *ctx, double fraction)
{
    Recorder *recorder = ctx;
    if (!(fraction >= recorder->progress && fraction <= 1)) recorder->progress_wrong = true;
    recorder->progress = fraction;
}

GatehouseJob job_for(Recorder *recorder)
{
    return (GatehouseJob){.struct_size = sizeof(GatehouseJob),
                          .ctx = recorder,
                          .id = 1,
                          .cancelled = job_cancelled,
                          .progress = job_progress};
}

static GatehouseStatus sink_turn(Recorder *recorder, int open_before)
{
    recorder->sink_calls++;
    if (recorder->open_segments != open_before) recorder->protocol_wrong = true;
    return recorder->sink_calls == recorder->refuse_sink_call ? GATEHOUSE_UNAVAILABLE : GATEHOUSE_OK;
}

static GatehouseStatus sink_begin(void *ctx, uint32_t part, uint32_t kind, uint64_t expected)
{
    Recorder *recorder = ctx;
    (void)expected;
    GatehouseStatus status = sink_turn(recorder, 0);
    if (kind != GATEHOUSE_OUTPUT_TEXT || part < recorder->last_part) recorder->protocol_wrong = true;
    recorder->last_part = part;
    recorder->open_segments = 1;
    return status;
}

static GatehouseStatus sink_text(void *ctx, const GatehouseText *text)
{
    Recorder *recorder = ctx;
    GatehouseStatus status = sink_turn(recorder, 1);
    uint64_t reached = 0;
    for (uint32_t index = 0; index < text->span_count; index++) {
        const GatehouseSpan *span = &text->spans[index];
        if (span->begin < reached || span->end <= span->begin || span->end > text->size
            || !isnan(span->start_seconds) || !isnan(span->end_seconds)
            || !(span->confidence >= 0 && span->confidence <= 1) || span->reserved)
            recorder->protocol_wrong = true;
        reached = span->end;
        if (recorder->spans == 0 || span->confidence < recorder->least_confidence)
            recorder->least_confidence = span->confidence;
        recorder->spans++;
    }
    recorder->text = realloc(recorder->text, recorder->size + text->size + 1);
    memcpy(recorder->text + recorder->size, text->data, text->size);
    recorder->size += text->size;
    recorder->text[recorder->size] = '\0';
    return status;
}

static GatehouseStatus sink_soft(void *ctx, const GatehouseSoft *soft)
{
    (void)soft;
    ((Recorder *)ctx)->protocol_wrong = true;
    return GATEHOUSE_UNSUPPORTED;
}

static GatehouseStatus sink_rows(void *ctx, const GatehouseRows *rows)
{
    (void)rows;
    ((Recorder *)ctx)->protocol_wrong = true;
    return GATEHOUSE_UNSUPPORTED;
}

static GatehouseStatus sink_acquire(void *ctx, const GatehouseRows *shape, void **data)
{
    (void)data;
    return sink_rows(ctx, shape);
}

static GatehouseStatus sink_commit(void *ctx, uint32_t rows)
{
    (void)rows;
    return sink_rows(ctx, NULL);
}

static GatehouseStatus sink_end(void *ctx)
{
    Recorder *recorder = ctx;
    GatehouseStatus status = sink_turn(recorder, 1);
    recorder->open_segments = 0;
    recorder->segments++;
    return status;
}

GatehouseSink sink_for(Recorder *recorder)
{
    return (GatehouseSink){.struct_size = sizeof(GatehouseSink),
                           .ctx = recorder,
                           .begin = sink_begin,
                           .text = sink_text,
                           .soft = sink_soft,
                           .rows = sink_rows,
                           .acquire_rows = sink_acquire,
                           .commit_rows = sink_commit,
                           .end = sink_end};
}

const uint8_t *map_file(const char *path, uint64_t *size, uint64_t *mapped)
{
    int file = open(path, O_RDONLY);
    struct stat information;
    if (file < 0 || fstat(file, &information) != 0) {
        fprintf(stderr, "cannot open %s\n", path);
        exit(2);
    }
    // The bytes end where a page ends and an unreadable page begins.
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE),
             room = ((uint64_t)information.st_size + page - 1) / page * page;
    uint8_t *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *data = memory + room - information.st_size;
    if (memory == MAP_FAILED || read(file, data, (size_t)information.st_size) != information.st_size) exit(2);
    close(file);
    mprotect(memory, room, PROT_READ);
    mprotect(memory + room, page, PROT_NONE);
    *size = (uint64_t)information.st_size;
    *mapped = room + page;
    return data;
}

GatehouseStatus create_with(Recorder *recorder, const GatehouseHost *host, const char *configuration,
                            const char *weights, uint32_t threads, const GatehouseInstance **instance)
{
    GatehouseJob job = job_for(recorder);
    GatehouseCreateArguments arguments = {.struct_size = sizeof arguments,
                                          .threads = threads,
                                          .host = host,
                                          .configuration = configuration,
                                          .configuration_size = strlen(configuration),
                                          .weights = weights};
    return library->create(library->ctx, "screen-text", &arguments, &job, instance);
}

GatehouseStatus encode_bytes(const GatehouseInstance *instance, Recorder *recorder, const char *media_type,
                             const uint8_t *data, uint64_t size)
{
    GatehousePart part = {
        .kind = GATEHOUSE_PART_ENCODED, .media_type = media_type, .data = data, .size = size};
    GatehouseInput input = {.struct_size = sizeof input, .part_count = 1, .parts = &part};
    GatehouseJob job = job_for(recorder);
    GatehouseSink sink = sink_for(recorder);
    return instance->encode(instance->ctx, &job, &input, &sink);
}

GatehouseStatus encode_file(const GatehouseInstance *instance, Recorder *recorder, const char *path)
{
    uint64_t size, mapped;
    const uint8_t *data = map_file(path, &size, &mapped);
    const char *dot = strrchr(path, '.');
    const char *type = dot && strcmp(dot, ".jpg") == 0 ? "image/jpeg" : "image/png";
    GatehouseStatus status = encode_bytes(instance, recorder, type, data, size);
    munmap((void *)(data + size + (uint64_t)sysconf(_SC_PAGESIZE) - mapped), mapped);
    return status;
}
