// How long loading and encoding take and how much memory they use.

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests.h"

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

// Memory of this process alone, in bytes: what the plugin made private.
static double private_bytes(void) {
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    double sum = 0;
    long kilobytes;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "Private_Clean: %ld", &kilobytes) == 1 || sscanf(line, "Private_Dirty: %ld", &kilobytes) == 1) {
            sum += (double)kilobytes * 1024;
        }
    }
    if (file) fclose(file);
    return sum;
}

void probe_bench(const ProbeArguments *arguments, uint32_t rounds) {
    verdict_to(arguments->verdict);
    double *times = calloc(rounds, sizeof *times);
    if (!times || !rounds) skip("there is no memory for %u rounds", rounds);
    double empty = private_bytes(), start = seconds_now();
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    double load = seconds_now() - start;
    start = seconds_now();
    rig_instance(&rig, &subject);
    double create = seconds_now() - start;
    // The first call fills caches; it is told apart.
    start = seconds_now();
    rig_encode_well(&rig, &subject);
    double first = seconds_now() - start;
    uint32_t count = 0;
    double began = seconds_now(), sum = 0;
    while (count < rounds && (count < 3 || seconds_now() - began < 20)) {
        Call call = {0};
        rig_encode(&rig, &subject, &call);
        if (call.status != GATEHOUSE_OK) fail("encode returned %s%s", status_name(call.status), rig_words(&subject.host));
        times[count++] = call.seconds;
        sum += call.seconds;
    }
    double memory = private_bytes() - empty;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    qsort(times, count, sizeof *times, by_size);
    char text[600];
    snprintf(text, sizeof text,
             "load_ms %.3f\ncreate_ms %.3f\nfirst_ms %.3f\nrounds %u\np50_ms %.4f\np95_ms %.4f\nper_second %.1f\n"
             "megabytes_per_second %.3f\nprivate_mb %.2f\npeak_resident_mb %.2f\n",
             load * 1e3, create * 1e3, first * 1e3, count, times[count / 2] * 1e3,
             times[(uint32_t)((count - 1) * 0.95 + 0.5)] * 1e3, count / sum,
             (double)arguments->input_size * count / sum / 1e6, memory / 1e6, (double)usage.ru_maxrss * 1024 / 1e6);
    pass(text);
}
