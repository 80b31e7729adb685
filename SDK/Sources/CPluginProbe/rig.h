// The host that the tests play: opens the library, makes instances, runs calls, and keeps what the plugin did.
// What a test depends on but does not test ends it by fail() when it goes wrong.

#ifndef RIG_H
#define RIG_H

#include <stdatomic.h>
#include <stdint.h>

#include "collector.h"
#include "gatehouse_check.h"
#include "include/plugin_probe.h"
#include "verdict.h"

typedef struct Host {
    GatehouseHost face;      // its ctx is this host
    atomic_int calls;        // calls that lend it and run now
    atomic_int was_late;     // set_error outside a call
    atomic_int errors;       // of the call in progress
    char error[1024];        // the last message, cut
    uint64_t error_size;
} Host;

typedef struct Job {
    GatehouseJob face;       // its ctx is this job
    uint32_t cancel_at;      // the poll, counted from 1, that first answers yes; 0: none
    atomic_int is_cancelled;
    atomic_uint polls;
    double last_poll, longest_gap;  // seconds; from the start of the call, and between polls
    atomic_int is_over, was_late;
    double progress;
    char breach[160];        // what was wrong with a progress, "" if nothing
} Job;

typedef struct Rig {
    const ProbeArguments *arguments;
    void *handle;
    const GatehouseEntry *entry;
    const GatehouseDescriptor *descriptor;
    Host host;               // of the library
    int is_guarded;          // structs handed over end at a page that cannot be read
} Rig;

// One live instance and the host that it was lent.
typedef struct Subject {
    Host host;
    const GatehouseInstance *face;
    GatehouseOutputs outputs;
} Subject;

// What create is given beside the defaults.
typedef struct Creation {
    const char *id;              // NULL: the plugin that is checked
    const char *configuration;   // NULL: the author's
    uint64_t configuration_size;
    const char *weights;         // NULL: the author's
    int without_weights;
    const char *cache;
    int without_decoder;
    uint32_t cancel_at;
    GatehouseStatus status;      // out
    int job_was_late;            // out
    char progress_breach[160];   // out
} Creation;

// One encode.
typedef struct Call {
    const GatehousePart *parts;  // NULL: the author's input, once
    uint32_t part_count;
    uint32_t cancel_at;          // see Job
    uint32_t refuse_at;          // see Collector
    GatehouseStatus refusal;
    GatehouseStatus status;      // out, and what follows
    Collector collector;
    Job job;
    double seconds;
} Call;

// Opens the library and checks the entry block.
void rig_open(Rig *rig, const ProbeArguments *arguments);
// The same, initialised, with the descriptor of the plugin where one is named.
void rig_start(Rig *rig, const ProbeArguments *arguments);

void host_start(Host *host);
// Around every call that lends it.
void host_enter(Host *host);
void host_leave(Host *host);
void job_start(Job *job, uint32_t cancel_at);

// Creates an instance; on a status other than OK `subject->face` is NULL. Fails the test where a failed create
// touched its out-parameter.
GatehouseStatus rig_create(Rig *rig, Creation *creation, Subject *subject);
// An instance with the author's weights and configuration, described.
void rig_instance(Rig *rig, Subject *subject);
void rig_destroy(Subject *subject);

void rig_encode(Rig *rig, Subject *subject, Call *call);
// The author's input, which must be taken; returns the digest of the output.
uint64_t rig_encode_well(Rig *rig, Subject *subject);
GatehousePart rig_part(const Rig *rig);

// Says what the plugin said, for a verdict: `: "message"` or "".
const char *rig_words(const Host *host);

const char *status_name(GatehouseStatus status);
double seconds_now(void);
void sleep_seconds(double seconds);
// Entries of a folder such as /proc/self/task.
int count_entries(const char *folder);

#endif
