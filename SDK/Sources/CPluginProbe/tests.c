// The table of all tests, and the three things that the checker's child processes do.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

static const Test *const groups[] = {
    library_tests, create_tests, weights_tests, input_tests, output_tests, stop_tests, lifetime_tests, thread_tests,
    extension_tests, stream_tests,
};

static const Test *find(uint32_t index) {
    for (size_t group = 0; group < sizeof groups / sizeof *groups; group++) {
        for (const Test *test = groups[group]; test->facts.id; test++) {
            if (index-- == 0) return test;
        }
    }
    return NULL;
}

uint32_t probe_test_count(void) {
    uint32_t count = 0;
    while (find(count)) count++;
    return count;
}

const ProbeTest *probe_test(uint32_t index) {
    const Test *test = find(index);
    return test ? &test->facts : NULL;
}

void probe_run(uint32_t index, const ProbeArguments *arguments) {
    verdict_to(arguments->verdict);
    const Test *test = find(index);
    if (!test) skip("there is no test %u", index);
    test->run(arguments);
    pass("");
}

void probe_list(const ProbeArguments *arguments) {
    static char text[4096];
    verdict_to(arguments->verdict);
    Rig rig;
    rig_start(&rig, arguments);
    size_t used = 0;
    uint32_t count = rig.entry->plugin_count(rig.entry->ctx);
    for (uint32_t i = 0; i < count; i++) {
        const GatehouseDescriptor *descriptor = rig.entry->plugin(rig.entry->ctx, i);
        if (!gatehouse_check_descriptor(descriptor)) continue;
        int size = snprintf(text + used, sizeof text - used, "%s %s\n", descriptor->id, descriptor->media_types);
        if (size < 0 || used + (size_t)size >= sizeof text) break;
        used += (size_t)size;
    }
    pass(text);
}
