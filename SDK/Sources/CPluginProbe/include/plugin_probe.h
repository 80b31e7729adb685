// The tests of the plugin checker. Each is run in a process of its own, because a plugin that breaks a rule may take
// the process with it; a test therefore ends the process itself as soon as it knows its verdict.

#ifndef PLUGIN_PROBE_H
#define PLUGIN_PROBE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What a test cannot do without.
enum {
    PROBE_NEEDS_WEIGHTS = 1,
    PROBE_NEEDS_INPUT = 2,
};

// What a test looks at: the library as a whole, or one plugin of it.
enum {
    PROBE_OF_LIBRARY = 0,
    PROBE_OF_PLUGIN = 1,
};

typedef struct ProbeTest {
    const char *id;       // "create-untouched"
    const char *promise;  // what a good plugin does, as one line of the summary
    const char *mend;     // what to change where it does not
    const char *after;    // the test that must have passed, or NULL
    uint32_t scope;
    uint32_t needs;
} ProbeTest;

// What the author gave. Borrowed for the call.
typedef struct ProbeArguments {
    const char *library;        // absolute path
    const char *plugin;         // id; NULL for the tests of a library
    const char *weights;        // absolute path, or NULL
    const char *configuration;  // a JSON object
    uint64_t configuration_size;
    const uint8_t *input;       // NULL where there is none
    uint64_t input_size;
    const char *media_type;     // of the input
    int32_t verdict;            // descriptor that takes the verdict
} ProbeArguments;

uint32_t probe_test_count(void);
const ProbeTest *probe_test(uint32_t index);

// Runs one test and ends the process. The verdict goes to `verdict` as one letter, P (passed), F (failed) or S
// (skipped), and a sentence. Where nothing was written, the plugin ended the process.
__attribute__((noreturn)) void probe_run(uint32_t index, const ProbeArguments *arguments);

// Writes the ids of the library's plugins and the media types of each, "id media/type media/type\n", as a P verdict.
__attribute__((noreturn)) void probe_list(const ProbeArguments *arguments);

// Measures load, create and `rounds` encodes and writes "P" and one "name value\n" for each figure.
__attribute__((noreturn)) void probe_bench(const ProbeArguments *arguments, uint32_t rounds);

// Starts `path` with `arguments` (NULL at the end) and its verdict on descriptor PROBE_VERDICT, standard input and
// output on /dev/null, standard error too unless `is_verbose`, in a process group of its own. `verdict` takes the
// reading end, which does not block. Returns the process id, or minus errno.
enum { PROBE_VERDICT = 9 };
int32_t probe_spawn(const char *path, char *const *arguments, int32_t is_verbose, int32_t *verdict);

// To be called first in a process that probe_spawn started: ends it with its parent, and writes no core.
void probe_begin(void);

#ifdef __cplusplus
}
#endif

#endif
