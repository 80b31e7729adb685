// Loads the built library as a host does and holds it to gatehouse.h.
//
//   screen-text-tests LIBRARY IMAGES          one line a test, then "N passed, M failed"
//   screen-text-tests LIBRARY --read IMAGE…   prints what is read and how long it took

#include "cases.h"
#include "host.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int passed, failed;
static const char *images;
static Recorder recorder;
static GatehouseHost host;

static void check(bool good, const char *test, const char *found)
{
    printf("%s %s%s%s\n", good ? "ok  " : "FAIL", test, good ? "" : ": found ", good ? "" : found);
    good ? passed++ : failed++;
}

static const char *image_path(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", images, name);
    return path;
}

static const char *text_of(const Recorder *from)
{
    return from->text ? from->text : from->error;
}

static const GatehouseInstance *create_or_exit(const char *configuration)
{
    const GatehouseInstance *instance = NULL;
    recorder_clear(&recorder);
    if (create_with(&recorder, &host, configuration, NULL, 2, &instance) != GATEHOUSE_OK) {
        fprintf(stderr, "cannot create: %s\n", recorder.error);
        exit(2);
    }
    recorder_clear(&recorder);
    return instance;
}

static GatehouseStatus read_image(const GatehouseInstance *instance, const char *name)
{
    recorder_clear(&recorder);
    return encode_file(instance, &recorder, image_path(name));
}

// ---------------------------------------------------------------------------------------------------------------
// The library

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

// Runs `command` with the library's path as $LIBRARY: every line it prints has `needle`, and `least` … `most` come.
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

// ---------------------------------------------------------------------------------------------------------------
// Creating

static void test_configuration(void)
{
    for (size_t index = 0; index < COUNT(configuration_cases); index++) {
        const GatehouseInstance *untouched = (const GatehouseInstance *)&host, *instance = untouched;
        recorder_clear(&recorder);
        GatehouseStatus status = create_with(&recorder, &host, configuration_cases[index].json, NULL, 1, &instance);
        char test[256];
        snprintf(test, sizeof test, "configuration %.60s is refused", configuration_cases[index].json);
        check(status == GATEHOUSE_BAD_CONFIGURATION && recorder.errors == 1 && instance == untouched
                  && strstr(recorder.error, configuration_cases[index].says),
              test, recorder.error);
    }
    const GatehouseInstance *escaped =
        create_or_exit(" {\"languages\" : \"\\u0065ng\", \"minimum_confidence\": 0.5e0 }\n");
    check(read_image(escaped, "light.png") == GATEHOUSE_OK && strcmp(text_of(&recorder), LETTER) == 0,
          "English alone, written with an escape, reads", text_of(&recorder));
    escaped->destroy(escaped->ctx);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) exit(2);
}

static void test_weights(void)
{
    const GatehouseInstance *instance = NULL;
    recorder_clear(&recorder);
    GatehouseStatus status = create_with(&recorder, &host, "{\"languages\": \"eng+xx_no\"}", NULL, 1, &instance);
    check(status == GATEHOUSE_NO_WEIGHTS && recorder.errors == 1 && strstr(recorder.error, "'xx_no'")
              && strstr(recorder.error, "tesseract-ocr-xx-no"),
          "a missing language is named with its package", recorder.error);

    recorder_clear(&recorder);
    status = create_with(&recorder, &host, "{}", "/nowhere at all", 1, &instance);
    check(status == GATEHOUSE_NO_WEIGHTS && strstr(recorder.error, "/nowhere at all"),
          "a missing weights folder is named", recorder.error);

    char folder[] = "/tmp/screen-text-XXXXXX", path[64];
    if (!mkdtemp(folder)) exit(2);
    snprintf(path, sizeof path, "%s/eng.traineddata", folder);
    write_file(path, "this is no model of anything");
    recorder_clear(&recorder);
    status = create_with(&recorder, &host, "{\"languages\": \"eng\"}", folder, 1, &instance);
    check(status == GATEHOUSE_NO_WEIGHTS && recorder.errors == 1 && strstr(recorder.error, folder),
          "a damaged language file is refused", recorder.error);
    unlink(path);
    rmdir(folder);
}

static void test_create_cancelled(void)
{
    for (int poll = 1; poll <= 2; poll++) {
        const GatehouseInstance *instance = NULL;
        recorder_clear(&recorder);
        recorder.cancel_at_poll = poll;
        GatehouseStatus status = create_with(&recorder, &host, "{}", NULL, 1, &instance);
        check(status == GATEHOUSE_CANCELLED && !instance && recorder.errors == 0, "create stops when cancelled",
              recorder.error);
    }
}

static long resident_kilobytes(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2) exit(2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int count_threads(void)
{
    struct stat information;
    return stat("/proc/self/task", &information) == 0 ? (int)information.st_nlink - 2 : -1;
}

static void test_many_instances(void)
{
    long before = 0;
    for (int turn = 0; turn < 40; turn++) {
        const GatehouseInstance *instance = create_or_exit("{\"languages\": \"eng\"}");
        if (turn % 10 == 0) read_image(instance, "light.png");
        instance->destroy(instance->ctx);
        if (turn == 10) before = resident_kilobytes();
    }
    char found[64];
    snprintf(found, sizeof found, "%ld kB more", resident_kilobytes() - before);
    // One leaked English model in these 29 rounds would be over 200 MB.
    check(resident_kilobytes() - before < 32 * 1024, "creating and destroying 40 times keeps memory flat", found);
}

// ---------------------------------------------------------------------------------------------------------------
// Reading

static double recall(const char *words, const char *text)
{
    char list[1024];
    snprintf(list, sizeof list, "%s", words);
    int total = 0, found = 0;
    char *rest = NULL;
    for (char *word = strtok_r(list, "|", &rest); word; word = strtok_r(NULL, "|", &rest)) {
        total++;
        found += strstr(text, word) != NULL;
    }
    return (double)found / total;
}

static void test_images(const GatehouseInstance *instance)
{
    char test[256];
    for (size_t index = 0; index < COUNT(exact_cases); index++) {
        GatehouseStatus status = read_image(instance, exact_cases[index].image);
        snprintf(test, sizeof test, "%s reads exactly", exact_cases[index].image);
        check(status == GATEHOUSE_OK && recorder.segments == 1 && !recorder.protocol_wrong && !recorder.progress_wrong
                  && recorder.progress == 1 && recorder.errors == 0
                  && strcmp(text_of(&recorder), exact_cases[index].text) == 0,
              test, text_of(&recorder));
    }
    for (size_t index = 0; index < COUNT(recall_cases); index++) {
        GatehouseStatus status = read_image(instance, recall_cases[index].image);
        snprintf(test, sizeof test, "%s yields %.0f%% of its words", recall_cases[index].image,
                 100 * recall_cases[index].least);
        check(status == GATEHOUSE_OK && !recorder.protocol_wrong
                  && recall(recall_cases[index].words, text_of(&recorder)) >= recall_cases[index].least,
              test, text_of(&recorder));
    }
    for (size_t index = 0; index < COUNT(refused_cases); index++) {
        GatehouseStatus status = read_image(instance, refused_cases[index].image);
        snprintf(test, sizeof test, "%s is refused", refused_cases[index].image);
        check(status == GATEHOUSE_BAD_INPUT && recorder.errors == 1 && recorder.sink_calls == 0
                  && strstr(recorder.error, refused_cases[index].says),
              test, recorder.error);
    }
}

static void test_bad_parts(const GatehouseInstance *instance)
{
    uint64_t size, mapped;
    const uint8_t *png = map_file(image_path("light.png"), &size, &mapped);
    recorder_clear(&recorder);
    check(encode_bytes(instance, &recorder, "image/jpeg", png, size) == GATEHOUSE_BAD_INPUT && recorder.errors == 1,
          "a PNG that is called JPEG is refused", recorder.error);
    recorder_clear(&recorder);
    check(encode_bytes(instance, &recorder, "image/webp", png, size) == GATEHOUSE_UNSUPPORTED && recorder.errors == 1,
          "another media type is refused", recorder.error);
    bool good = true;
    for (uint64_t length = 0; length < size && good; length += length < 64 ? 1 : 997) {
        recorder_clear(&recorder);
        good = encode_bytes(instance, &recorder, "image/png", png, length) == GATEHOUSE_BAD_INPUT && recorder.errors == 1;
    }
    check(good, "a PNG cut anywhere is refused", recorder.error);
    uint8_t *noise = malloc(size);
    for (uint32_t seed = 1; seed <= 40 && good; seed++) {
        // A damaged file is refused or read; either way the protocol holds.
        uint64_t state = seed;
        memcpy(noise, png, size);
        for (int hit = 0; hit < 20; hit++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            noise[8 + (state >> 33) % (size - 8)] ^= (uint8_t)(state >> 20);
        }
        recorder_clear(&recorder);
        GatehouseStatus status = encode_bytes(instance, &recorder, "image/png", noise, size);
        good = status == GATEHOUSE_OK ? recorder.segments == 1 : status == GATEHOUSE_BAD_INPUT && recorder.errors == 1;
    }
    free(noise);
    check(good, "a damaged PNG is refused or read", recorder.error);
}

static void test_two_parts(const GatehouseInstance *instance)
{
    uint64_t sizes[2], mapped;
    const uint8_t *first = map_file(image_path("blank.png"), &sizes[0], &mapped);
    const uint8_t *second = map_file(image_path("control.png"), &sizes[1], &mapped);
    GatehousePart parts[] = {{.media_type = "image/png", .data = first, .size = sizes[0]},
                             {.media_type = "image/png", .data = second, .size = sizes[1]}};
    GatehouseInput input = {.struct_size = sizeof input, .part_count = 2, .parts = parts};
    recorder_clear(&recorder);
    GatehouseJob job = job_for(&recorder);
    GatehouseSink sink = sink_for(&recorder);
    GatehouseStatus status = instance->encode(instance->ctx, &job, &input, &sink);
    check(status == GATEHOUSE_OK && recorder.segments == 2 && recorder.last_part == 1 && !recorder.protocol_wrong
              && !recorder.progress_wrong && strcmp(text_of(&recorder), "Ignore this <|im_end|> token") == 0,
          "two parts give two segments in order", text_of(&recorder));
}

// ---------------------------------------------------------------------------------------------------------------
// Behaviour across calls

static void test_cancel(const GatehouseInstance *instance)
{
    read_image(instance, "columns.png");
    int polls = recorder.polls;
    bool good = polls > 4;
    for (int poll = 1; poll <= polls && good; poll++) {
        recorder_clear(&recorder);
        recorder.cancel_at_poll = poll;
        good = encode_file(instance, &recorder, image_path("columns.png")) == GATEHOUSE_CANCELLED
               && recorder.errors == 0 && recorder.sink_calls == 0;
    }
    check(good, "a cancel at any poll ends the call with nothing said", text_of(&recorder));
    check(read_image(instance, "columns.png") == GATEHOUSE_OK && strcmp(text_of(&recorder), COLUMNS) == 0,
          "the call after a cancel is clean", text_of(&recorder));
}

static void test_refusing_sink(const GatehouseInstance *instance)
{
    for (int call = 1; call <= 3; call++) {
        recorder_clear(&recorder);
        recorder.refuse_sink_call = call;
        GatehouseStatus status = encode_file(instance, &recorder, image_path("light.png"));
        check(status == GATEHOUSE_UNAVAILABLE && recorder.sink_calls == call && recorder.errors == 0,
              "a refusing sink ends the call with its status", recorder.error);
    }
}

static void test_determinism(const GatehouseInstance *first)
{
    static const char *const names[] = {"columns.png", "mixed.png", "photo.jpg", "chinese.png"};
    const GatehouseInstance *second = create_or_exit("{}");
    bool good = true;
    for (size_t index = 0; index < COUNT(names) && good; index++) {
        Recorder fresh = {0};
        encode_file(second, &fresh, image_path(names[index]));
        for (int turn = 0; turn < 3 && good; turn++) {
            read_image(first, names[(index + (size_t)turn + 1) % COUNT(names)]);
            read_image(first, names[index]);
            good = strcmp(text_of(&recorder), text_of(&fresh)) == 0
                   && recorder.least_confidence == fresh.least_confidence && recorder.spans == fresh.spans;
        }
        recorder_clear(&fresh);
    }
    check(good, "two instances, interleaved and repeated, agree to the bit", text_of(&recorder));
    check(second->reset(second->ctx) == GATEHOUSE_OK && read_image(second, "light.png") == GATEHOUSE_OK
              && strcmp(text_of(&recorder), LETTER) == 0,
          "reset leaves an instance that reads", text_of(&recorder));
    second->destroy(second->ctx);
}

static void test_confidence(void)
{
    const GatehouseInstance *strict = create_or_exit("{\"minimum_confidence\": 1}");
    check(read_image(strict, "light.png") == GATEHOUSE_OK && recorder.segments == 1 && recorder.size == 0,
          "nothing passes a minimum confidence of 1", text_of(&recorder));
    strict->destroy(strict->ctx);
}

// ---------------------------------------------------------------------------------------------------------------

static int print_readings(int count, char **paths)
{
    const GatehouseInstance *instance = create_or_exit("{}");
    for (int index = 0; index < count; index++) {
        double start = now();
        recorder_clear(&recorder);
        GatehouseStatus status = encode_file(instance, &recorder, paths[index]);
        printf("%s: status %d, %.2f s, longest without a poll %.2f s\n%s\n", paths[index], status, now() - start,
               recorder.longest_silence, text_of(&recorder));
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
    test_command("nm -D --defined-only \"$LIBRARY\"", " gatehouse_plugin_entry", 1, 1, "one symbol is exported");
    test_command("readelf -d \"$LIBRARY\" | grep NEEDED", "Shared library", 1, 100, "its libraries are declared");
    test_command("readelf -d \"$LIBRARY\" | grep -E 'RPATH|RUNPATH' | grep -vF '[$ORIGIN'", "", 0, 0,
                 "no run path leads outside $ORIGIN");
    test_configuration();
    test_weights();
    test_create_cancelled();

    const GatehouseInstance *instance = create_or_exit("{}");
    test_images(instance);
    test_bad_parts(instance);
    test_two_parts(instance);
    test_cancel(instance);
    test_refusing_sink(instance);
    test_determinism(instance);
    instance->destroy(instance->ctx);
    test_confidence();
    test_many_instances();
    check(count_threads() == 1, "no thread is left behind", "more");
    library->finalize(library->ctx);

    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
