// Loads the built library as a host does and holds it to gatehouse.h.
//
//   screen-text-tests LIBRARY IMAGES          one line a test, then "N passed, M failed"
//   screen-text-tests LIBRARY --read IMAGE…   prints what is read and how long it took

#include "check.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void test_entry(const GatehouseEntry *(*get)(void))
{
    check(library->magic == GATEHOUSE_MAGIC && library->struct_size == sizeof(GatehouseEntry)
              && library->abi_major == GATEHOUSE_ABI_MAJOR && library->abi_minor == GATEHOUSE_ABI_MINOR,
          "the entry block carries magic, size and version", "another");
    check(get() == library, "the entry block is the same every time", "another");
    const GatehouseDescriptor *descriptor = library->plugin(library->ctx, 0);
    check(library->plugin_count(library->ctx) == 1 && descriptor && !library->plugin(library->ctx, 1)
              && strcmp(descriptor->id, "screen-text") == 0 && strcmp(descriptor->modality, "image") == 0
              && strcmp(descriptor->media_types, "image/png image/jpeg") == 0,
          "one plugin is offered", "another");
    bool nests = true;
    for (int turn = 0; turn < 3; turn++) nests &= library->initialize(library->ctx, &host) == GATEHOUSE_OK;
    for (int turn = 0; turn < 2; turn++) library->finalize(library->ctx);
    check(nests, "initialize nests", "a failure");
}

// Runs `command` with the library's path as $LIBRARY: every line it prints has `needle`, and `least` … `most`
// come.
static void test_command(const char *command, const char *needle, int least, int most, const char *test)
{
    char line[4096];
    FILE *pipe = popen(command, "r");
    int lines = 0;
    bool all = pipe != NULL;
    char found[4096] = "nothing";
    while (pipe && fgets(line, sizeof line, pipe)) {
        lines++;
        snprintf(found, sizeof found, "%s", line);
        all &= strstr(line, needle) != NULL;
    }
    if (pipe) pclose(pipe);
    check(all && lines >= least && lines <= most, test, found);
}

static int count_threads(void)
{
    struct stat information;
    return stat("/proc/self/task", &information) == 0 ? (int)information.st_nlink - 2 : -1;
}

static int print_readings(int count, char **paths)
{
    const GatehouseInstance *instance = create_or_exit("{}");
    for (int index = 0; index < count; index++) {
        double start = now();
        recorder_clear(&recorder);
        GatehouseStatus status = encode_file(instance, &recorder, paths[index]);
        printf("%s: status %d, %.2f s, longest without a poll %.2f s\n%s\n", paths[index], status,
               now() - start, recorder.longest_silence, text_of(&recorder));
    }
    instance->destroy(instance->ctx);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s LIBRARY IMAGES | %s LIBRARY --read IMAGE…\n", argv[0], argv[0]);
        return 2;
    }
    void *handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    const GatehouseEntry *(*get)(void) =
        handle ? (const GatehouseEntry *(*)(void))dlsym(handle, "gatehouse_plugin_entry") : NULL;
    if (!get) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    library = get();
    host = host_for(&recorder);
    if (library->initialize(library->ctx, &host) != GATEHOUSE_OK) return 2;
    if (strcmp(argv[2], "--read") == 0) return print_readings(argc - 3, argv + 3);

    images = argv[2];
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_entry(get);
    setenv("LIBRARY", argv[1], 1);
    test_command("nm -D --defined-only \"$LIBRARY\"", " gatehouse_plugin_entry", 1, 1,
                 "one symbol is exported");
    test_command("readelf -d \"$LIBRARY\" | grep NEEDED", "Shared library", 1, 100,
                 "its libraries are declared");
    test_command("readelf -d \"$LIBRARY\" | grep -E 'RPATH|RUNPATH' | grep -vF '[$ORIGIN'", "", 0, 0,
                 "no run path leads outside $ORIGIN");
    test_creating();
    const GatehouseInstance *instance = create_or_exit("{}");
    test_reading(instance);
    test_across_calls(instance);
    instance->destroy(instance->ctx);
    check(count_threads() == 1, "no thread is left behind", "more");
    library->finalize(library->ctx);

    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
