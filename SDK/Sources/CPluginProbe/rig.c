#define _GNU_SOURCE
#include "rig.h"

#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "guarded.h"

// ---------------------------------------------------------------------------------------------------------------
// The host's services

static void host_log(void *ctx, int32_t level, const char *text, uint64_t size) {
    (void)ctx, (void)level, (void)text, (void)size;
}

static void host_set_error(void *ctx, const char *text, uint64_t size) {
    Host *host = ctx;
    if (!atomic_load(&host->calls)) atomic_store(&host->was_late, 1);
    atomic_fetch_add(&host->errors, 1);
    host->error_size = size;
    uint64_t kept = size < sizeof host->error - 1 ? size : sizeof host->error - 1;
    if (text) memcpy(host->error, text, kept);
    host->error[text ? kept : 0] = 0;
}

static const void *host_extension(void *ctx, const char *id) {
    (void)ctx, (void)id;
    return NULL;
}

void host_start(Host *host) {
    memset(host, 0, sizeof *host);
    host->face = (GatehouseHost){
        .struct_size = sizeof host->face, .abi_major = GATEHOUSE_ABI_MAJOR, .abi_minor = GATEHOUSE_ABI_MINOR,
        .ctx = host, .name = "gatehouse-plugin", .log = host_log, .set_error = host_set_error,
        .extension = host_extension,
    };
}

void host_enter(Host *host) {
    if (atomic_fetch_add(&host->calls, 1) == 0) {
        atomic_store(&host->errors, 0);
        host->error[0] = 0;
        host->error_size = 0;
    }
}

void host_leave(Host *host) {
    atomic_fetch_sub(&host->calls, 1);
}

static void note_gap(Job *job) {
    double now = seconds_now();
    if (now - job->last_poll > job->longest_gap) job->longest_gap = now - job->last_poll;
    job->last_poll = now;
}

static int32_t job_cancelled(void *ctx) {
    Job *job = ctx;
    note_gap(job);
    if (atomic_load(&job->is_over)) atomic_store(&job->was_late, 1);
    uint32_t poll = atomic_fetch_add(&job->polls, 1) + 1;
    if (job->cancel_at && poll >= job->cancel_at) atomic_store(&job->is_cancelled, 1);
    return atomic_load(&job->is_cancelled);
}

static void job_progress(void *ctx, double fraction) {
    Job *job = ctx;
    if (atomic_load(&job->is_over)) atomic_store(&job->was_late, 1);
    if (!job->breach[0] && !(fraction >= 0 && fraction <= 1)) {
        snprintf(job->breach, sizeof job->breach, "it reported a progress of %g; expected 0 … 1", fraction);
    } else if (!job->breach[0] && fraction < job->progress) {
        snprintf(job->breach, sizeof job->breach, "its progress fell from %g to %g", job->progress, fraction);
    }
    if (fraction > job->progress) job->progress = fraction;
}

void job_start(Job *job, uint32_t cancel_at) {
    static atomic_uint next;
    memset(job, 0, sizeof *job);
    job->cancel_at = cancel_at;
    job->last_poll = seconds_now();
    job->face = (GatehouseJob){
        .struct_size = sizeof job->face, .ctx = job, .id = atomic_fetch_add(&next, 1) + 1,
        .cancelled = job_cancelled, .progress = job_progress,
    };
}

// ---------------------------------------------------------------------------------------------------------------
// Library

void rig_open(Rig *rig, const ProbeArguments *arguments) {
    memset(rig, 0, sizeof *rig);
    rig->arguments = arguments;
    host_start(&rig->host);
    rig->handle = dlopen(arguments->library, RTLD_NOW | RTLD_LOCAL);
    if (!rig->handle) fail("dlopen refused it: %s", dlerror());
    const GatehouseEntry *(*entry)(void) = (const GatehouseEntry *(*)(void))dlsym(rig->handle, "gatehouse_plugin_entry");
    if (!entry) fail("it exports no function gatehouse_plugin_entry");
    rig->entry = entry();
    switch (gatehouse_check_entry(rig->entry)) {
    case GATEHOUSE_ENTRY_GOOD: return;
    case GATEHOUSE_ENTRY_NULL: fail("gatehouse_plugin_entry returned NULL");
    case GATEHOUSE_ENTRY_MAGIC:
        fail("magic is 0x%llx; expected GATEHOUSE_MAGIC", (unsigned long long)rig->entry->magic);
    case GATEHOUSE_ENTRY_ABI_MAJOR:
    case GATEHOUSE_ENTRY_ABI_MINOR:
        fail("it is built for ABI %u.%u; this SDK has %d.%d", rig->entry->abi_major, rig->entry->abi_minor,
             GATEHOUSE_ABI_MAJOR, GATEHOUSE_ABI_MINOR);
    case GATEHOUSE_ENTRY_SIZE:
        fail("struct_size of GatehouseEntry is %u; expected %zu", rig->entry->struct_size, sizeof *rig->entry);
    case GATEHOUSE_ENTRY_FUNCTION: fail("a function of the entry that must be set is NULL");
    }
}

void rig_start(Rig *rig, const ProbeArguments *arguments) {
    rig_open(rig, arguments);
    host_enter(&rig->host);
    GatehouseStatus status = rig->entry->initialize(rig->entry->ctx, &rig->host.face);
    host_leave(&rig->host);
    if (status != GATEHOUSE_OK) {
        fail("initialize returned %s%s", status_name(status), rig_words(&rig->host));
    }
    if (!arguments->plugin) return;
    uint32_t count = rig->entry->plugin_count(rig->entry->ctx);
    for (uint32_t i = 0; i < count && !rig->descriptor; i++) {
        const GatehouseDescriptor *descriptor = rig->entry->plugin(rig->entry->ctx, i);
        if (gatehouse_check_descriptor(descriptor) && !strcmp(descriptor->id, arguments->plugin)) {
            rig->descriptor = descriptor;
        }
    }
    if (!rig->descriptor) fail("it holds no plugin %s", arguments->plugin);
}

// ---------------------------------------------------------------------------------------------------------------
// Instance

// Small, so that rows in its space cost nothing.
enum { HIDDEN = 4 };

static const GatehouseDecoder *decoder(void) {
    static float fingerprint[64 * 8];
    static GatehouseDecoderIdentity identity = {
        .struct_size = sizeof identity, .hidden = HIDDEN, .family = "llama", .fingerprint = fingerprint};
    static GatehouseDecoder decoder = {
        .struct_size = sizeof decoder, .vocabulary = 49152, .context = 2048, .identity = &identity};
    for (int i = 0; i < 64 * 8; i++) fingerprint[i] = sinf((float)i);
    return &decoder;
}

// `face`, or a copy of it that ends at a wall.
static const void *lend(const Rig *rig, const void *face, size_t size) {
    return rig->is_guarded ? guarded_copy(face, size).data : face;
}

GatehouseStatus rig_create(Rig *rig, Creation *creation, Subject *subject) {
    const ProbeArguments *given = rig->arguments;
    memset(subject, 0, sizeof *subject);
    host_start(&subject->host);
    Job job;
    job_start(&job, creation->cancel_at);
    if (creation->cancel_at == 1) atomic_store(&job.is_cancelled, 1);
    int own = creation->configuration != NULL;
    GatehouseCreateArguments arguments = {
        .struct_size = sizeof arguments, .threads = 2,
        .host = lend(rig, &subject->host.face, sizeof subject->host.face),
        .configuration = own ? creation->configuration : given->configuration,
        .configuration_size = own ? creation->configuration_size : given->configuration_size,
        .weights = creation->without_weights ? NULL : creation->weights ? creation->weights : given->weights,
        .cache_folder = creation->cache,
        .decoder = creation->without_decoder ? NULL : decoder(),
    };
    const GatehouseInstance *untouched = (const GatehouseInstance *)&arguments;
    const GatehouseInstance *instance = untouched;
    host_enter(&subject->host);
    creation->status = rig->entry->create(
        rig->entry->ctx, creation->id ? creation->id : given->plugin, lend(rig, &arguments, sizeof arguments),
        lend(rig, &job.face, sizeof job.face), &instance);
    host_leave(&subject->host);
    atomic_store(&job.is_over, 1);
    memcpy(creation->progress_breach, job.breach, sizeof job.breach);
    if (creation->status != GATEHOUSE_OK) {
        if (instance != untouched) {
            fail("create returned %s but wrote to its out-parameter", status_name(creation->status));
        }
        return creation->status;
    }
    if (instance == untouched) fail("create returned OK without an instance");
    if (!gatehouse_check_instance(instance)) {
        fail("the instance is NULL, has another struct_size than %zu, or lacks a function", sizeof *instance);
    }
    subject->face = instance;
    return GATEHOUSE_OK;
}

void rig_instance(Rig *rig, Subject *subject) {
    Creation creation = {0};
    if (rig_create(rig, &creation, subject) != GATEHOUSE_OK) {
        fail("create returned %s%s", status_name(creation.status), rig_words(&subject->host));
    }
    host_enter(&subject->host);
    GatehouseStatus status = subject->face->describe(subject->face->ctx, &subject->outputs);
    host_leave(&subject->host);
    if (status != GATEHOUSE_OK) fail("describe returned %s%s", status_name(status), rig_words(&subject->host));
}

void rig_destroy(Subject *subject) {
    host_enter(&subject->host);
    if (subject->face) subject->face->destroy(subject->face->ctx);
    host_leave(&subject->host);
    subject->face = NULL;
}

// ---------------------------------------------------------------------------------------------------------------
// Call

GatehousePart rig_part(const Rig *rig) {
    return (GatehousePart){
        .kind = GATEHOUSE_PART_ENCODED, .media_type = rig->arguments->media_type, .data = rig->arguments->input,
        .size = rig->arguments->input_size};
}

void rig_encode(Rig *rig, Subject *subject, Call *call) {
    GatehousePart part = rig_part(rig);
    GatehouseInput input = {
        .struct_size = sizeof input, .part_count = call->parts ? call->part_count : 1,
        .parts = call->parts ? call->parts : &part};
    input.parts = lend(rig, input.parts, input.part_count * sizeof part);
    collector_start(&call->collector, &subject->outputs, input.part_count);
    call->collector.refuse_at = call->refuse_at;
    call->collector.refusal = call->refusal;
    job_start(&call->job, call->cancel_at);
    if (call->cancel_at == 1) atomic_store(&call->job.is_cancelled, 1);
    host_enter(&subject->host);
    double start = seconds_now();
    call->status = subject->face->encode(
        subject->face->ctx, lend(rig, &call->job.face, sizeof call->job.face), lend(rig, &input, sizeof input),
        lend(rig, &call->collector.sink, sizeof call->collector.sink));
    call->seconds = seconds_now() - start;
    host_leave(&subject->host);
    note_gap(&call->job);
    atomic_store(&call->job.is_over, 1);
    collector_finish(&call->collector, call->status);
}

uint64_t rig_encode_well(Rig *rig, Subject *subject) {
    Call call = {0};
    rig_encode(rig, subject, &call);
    if (call.status != GATEHOUSE_OK) {
        fail("encode returned %s%s", status_name(call.status), rig_words(&subject->host));
    }
    return call.collector.digest;
}

// ---------------------------------------------------------------------------------------------------------------

const char *rig_words(const Host *host) {
    static _Thread_local char words[600];
    uint32_t unfinished;
    uint64_t length = strlen(host->error);
    if (!length || !is_utf8((const unsigned char *)host->error, length, &unfinished)) return "";
    snprintf(words, sizeof words, ": \"%.500s\"", host->error);
    return words;
}

const char *status_name(GatehouseStatus status) {
    static const char *const names[] = {
        "OK", "CANCELLED", "BAD_INPUT", "BAD_CONFIGURATION", "NO_WEIGHTS", "UNSUPPORTED", "UNAVAILABLE",
        "OUT_OF_MEMORY", "FAILED"};
    static _Thread_local char other[48];
    if (status >= 0 && status <= GATEHOUSE_FAILED) return names[status];
    snprintf(other, sizeof other, "%d, which is no GatehouseStatus,", status);
    return other;
}

double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void sleep_seconds(double seconds) {
    struct timespec time = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    nanosleep(&time, NULL);
}

int count_entries(const char *folder) {
    DIR *open = opendir(folder);
    int count = 0;
    while (open && readdir(open)) count++;
    if (open) closedir(open);
    return count;
}
