// What is left behind: memory, descriptors, threads, and the state of the process.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listener.h"
#include "tests.h"

extern char **environ;

typedef struct Usage {
    double heap;      // bytes in use
    double resident;  // bytes
    int descriptors, threads;
} Usage;

static Usage measure(void) {
    struct mallinfo2 heap = mallinfo2();
    Usage usage = {.heap = (double)heap.uordblks + (double)heap.hblkhd};
    malloc_trim(0);
    FILE *file = fopen("/proc/self/statm", "r");
    long resident = 0;
    if (file && fscanf(file, "%*d %ld", &resident) != 1) resident = 0;
    if (file) fclose(file);
    usage.resident = (double)resident * (double)sysconf(_SC_PAGESIZE);
    usage.descriptors = count_entries("/proc/self/fd");
    usage.threads = count_entries("/proc/self/task");
    return usage;
}

// Repeats `body` for some seconds, and compares the two halves of the later part: caches fill at first.
static void stays_flat(Rig *rig, Subject *subject, void (*body)(Rig *, Subject *), const char *what) {
    enum { MOST = 100, LEAST = 8 };
    double end = seconds_now() + 4;
    double start = seconds_now();
    body(rig, subject);
    double each = seconds_now() - start;
    int rounds = each * MOST > 4 ? (int)(4 / each) : MOST;
    if (rounds < LEAST) rounds = LEAST;
    for (int i = 0; i < rounds / 2 && (i < LEAST / 2 || seconds_now() < end); i++) body(rig, subject);
    Usage before = measure();
    int count = 0;
    for (; count < rounds / 2 && (count < LEAST / 2 || seconds_now() < end); count++) body(rig, subject);
    Usage after = measure();
    if (after.descriptors > before.descriptors) {
        fail("%d more %s left %d more files open", count, what, after.descriptors - before.descriptors);
    }
    if (after.threads > before.threads) {
        fail("%d more %s left %d more threads", count, what, after.threads - before.threads);
    }
    // The allocator counts every byte, so that a small leak shows; the constant is for caches that still fill.
    if (after.heap - before.heap > 32.0 * count + 8192) {
        fail("each of %d %s left %.0f bytes of heap", count, what, (after.heap - before.heap) / count);
    }
    if (after.resident - before.resident > 4096.0 * count + (2 << 20)) {
        fail("%d %s left %.0f kB of memory", count, what, (after.resident - before.resident) / 1024);
    }
}

static void create_and_destroy(Rig *rig, Subject *subject) {
    rig_instance(rig, subject);
    rig_destroy(subject);
}

static void encode_once(Rig *rig, Subject *subject) {
    rig_encode_well(rig, subject);
}

static void refuse_once(Rig *rig, Subject *subject) {
    GatehousePart part = rig_part(rig);
    Call call = {.refuse_at = 2, .refusal = GATEHOUSE_UNAVAILABLE};
    part.data = NULL;
    part.size = 0;
    rig_encode(rig, subject, &call);
    Call empty = {.parts = &part, .part_count = 1};
    rig_encode(rig, subject, &empty);
    Call cancelled = {.cancel_at = 1};
    rig_encode(rig, subject, &cancelled);
}

static void create_flat(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    stays_flat(&rig, &subject, create_and_destroy, "creates and destroys");
}

static void encode_flat(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    stays_flat(&rig, &subject, encode_once, "encodes");
}

static void refusals_flat(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    stays_flat(&rig, &subject, refuse_once, "calls that ended early");
}

static void stream_once(Rig *rig, Subject *subject) {
    static Sound sound;
    Listener listener;
    if (!sound.samples) sound = sound_of(rig->arguments);
    listener_open(&listener, subject, &sound);
    listener_hear(&listener, 1600);
    listener_close(&listener);
    listener_forget(&listener);
    // One that is left in the middle.
    listener_open(&listener, subject, &sound);
    listener_push(&listener, sound.frames / 2);
    listener_close(&listener);
    listener_forget(&listener);
}

static void streams_flat(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    streaming_of(&subject);
    stays_flat(&rig, &subject, stream_once, "streams");
}

static void threads_joined(const ProbeArguments *arguments) {
    int before = count_entries("/proc/self/task");
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    if (arguments->input) rig_encode_well(&rig, &subject);
    rig_destroy(&subject);
    rig.entry->finalize(rig.entry->ctx);
    // A joined thread may stay in the list for a moment.
    for (int i = 0; i < 20 && count_entries("/proc/self/task") > before; i++) sleep_seconds(0.01);
    int left = count_entries("/proc/self/task") - before;
    if (left > 0) fail("%d threads run on after destroy and finalize", left);
}

static void run_through(Rig *rig, const ProbeArguments *arguments) {
    Subject subject;
    rig_start(rig, arguments);
    rig_instance(rig, &subject);
    if (arguments->input) rig_encode_well(rig, &subject);
    rig_destroy(&subject);
    rig->entry->finalize(rig->entry->ctx);
}

static void stdout_silent(const ProbeArguments *arguments) {
    int output = memfd_create("stdout", MFD_CLOEXEC);
    struct stat facts;
    if (output < 0 || dup2(output, STDOUT_FILENO) < 0) skip("standard output could not be watched");
    Rig rig;
    run_through(&rig, arguments);
    fflush(NULL);
    if (fstat(output, &facts)) skip("standard output could not be watched");
    if (facts.st_size) fail("it wrote %lld bytes to standard output", (long long)facts.st_size);
}

enum { SIGNALS = 32 };

typedef struct Process {
    struct sigaction actions[SIGNALS];
    char folder[4096];
    char locale[256];
    uint64_t environment;
    mode_t mask;
    int rounding;
    sigset_t blocked;
} Process;

static Process observe(void) {
    Process process;
    memset(&process, 0, sizeof process);
    for (int i = 1; i < SIGNALS; i++) sigaction(i, NULL, &process.actions[i]);
    if (!getcwd(process.folder, sizeof process.folder)) process.folder[0] = 0;
    const char *locale = setlocale(LC_ALL, NULL);
    snprintf(process.locale, sizeof process.locale, "%s", locale ? locale : "");
    process.environment = 0xcbf29ce484222325u;
    for (char **entry = environ; entry && *entry; entry++) {
        for (const char *byte = *entry; *byte; byte++) {
            process.environment = (process.environment ^ (unsigned char)*byte) * 0x100000001b3u;
        }
    }
    process.mask = umask(0);
    umask(process.mask);
    process.rounding = fegetround();
    pthread_sigmask(SIG_SETMASK, NULL, &process.blocked);
    return process;
}

static void process_untouched(const ProbeArguments *arguments) {
    static Process before, after;
    before = observe();
    Rig rig;
    run_through(&rig, arguments);
    after = observe();
    for (int i = 1; i < SIGNALS; i++) {
        if (before.actions[i].sa_handler != after.actions[i].sa_handler) fail("it changed the handler of signal %d", i);
    }
    if (strcmp(before.folder, after.folder)) fail("it changed the working folder to %s", after.folder);
    if (strcmp(before.locale, after.locale)) fail("it changed the locale to %s", after.locale);
    if (before.environment != after.environment) fail("it changed the environment");
    if (before.mask != after.mask) fail("it changed the umask");
    if (before.rounding != after.rounding) fail("it changed the rounding of floating point");
    if (memcmp(&before.blocked, &after.blocked, sizeof before.blocked)) fail("it changed the signal mask of its thread");
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) fail("it started a process");
}

#define OF_PLUGIN(id, promise, mend, after, needs, run) {{id, promise, mend, after, PROBE_OF_PLUGIN, needs}, run}

const Test lifetime_tests[] = {
    OF_PLUGIN("create-flat", "creates and destroys leave nothing behind",
              "Free in destroy all that create made: memory, files, threads. valgrind or ASan name the place.", "create", 0,
              create_flat),
    OF_PLUGIN("encode-flat", "encodes leave nothing behind", "Free what encode made before it returns, or reuse it.",
              "encode", PROBE_NEEDS_INPUT, encode_flat),
    OF_PLUGIN("refusals-flat", "calls that end early leave nothing behind",
              "Free on every way out of encode: errors, cancel, and a sink that refuses.", "encode", PROBE_NEEDS_INPUT,
              refusals_flat),
    OF_PLUGIN("streams-flat", "streams leave nothing behind", "Free in close all that the stream has, finished or not.",
              "describe", 0, streams_flat),
    OF_PLUGIN("threads-joined", "destroy and finalize end all threads", "Join in destroy or finalize what you started.",
              "encode", 0, threads_joined),
    OF_PLUGIN("stdout-silent", "writes nothing to standard output", "Log through host->log.", "encode", 0, stdout_silent),
    OF_PLUGIN("process-untouched", "leaves signals, locale, folder and environment alone",
              "These belong to the host; see Process in gatehouse.h.", "encode", 0, process_untouched),
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
