// The smallest host that gatehouse.h allows: it records what the plugin says and hands out no extension.

#ifndef SCREEN_TEXT_TESTS_HOST_H
#define SCREEN_TEXT_TESTS_HOST_H

#include <gatehouse.h>

#include <stdbool.h>

// What one job was asked and told.
typedef struct Recorder {
    int errors;              // calls of set_error since the last clear
    char error[1024];
    int logs;                // calls of log since the last clear
    int32_t log_level;       // of the last one
    char log[256];
    int polls;               // calls of `cancelled`
    int cancel_at_poll;      // 0: never
    double progress;         // the last value
    bool progress_wrong;     // it fell or left 0 … 1
    int refuse_sink_call;    // 1 …; 0: never
    int sink_calls;
    int open_segments;
    uint32_t segments;       // finished
    uint32_t last_part;
    bool protocol_wrong;     // a sink call out of order, or spans that break their promise
    char *text;              // of all segments, NUL-terminated
    uint64_t size;
    uint32_t spans;
    float least_confidence;
    double last_poll;        // on the clock of now()
    double longest_silence;  // between two polls, in seconds
} Recorder;

extern const GatehouseEntry *library;

// Clock for time limits and reports, in seconds.
double now(void);

GatehouseHost host_for(Recorder *recorder);
GatehouseJob job_for(Recorder *recorder);
GatehouseSink sink_for(Recorder *recorder);
void recorder_clear(Recorder *recorder);

// A file's bytes in memory that traps when written to or read past its page; the caller unmaps `mapped`
// bytes.
const uint8_t *map_file(const char *path, uint64_t *size, uint64_t *mapped);

GatehouseStatus create_with(Recorder *recorder, const GatehouseHost *host, const char *configuration,
                            const char *weights, uint32_t threads, const GatehouseInstance **instance);

// Encodes one part of bytes.
GatehouseStatus encode_bytes(const GatehouseInstance *instance, Recorder *recorder, const char *media_type,
                             const uint8_t *data, uint64_t size);

// Encodes the file; the media type follows its name.
GatehouseStatus encode_file(const GatehouseInstance *instance, Recorder *recorder, const char *path);

#endif
