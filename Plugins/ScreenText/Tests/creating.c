// Instances: configuration, languages, cancelling, memory.

#include "cases.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_configuration(void)
{
    for (size_t index = 0; index < COUNT(configuration_cases); index++) {
        const GatehouseInstance *untouched = (const GatehouseInstance *)&host, *instance = untouched;
        recorder_clear(&recorder);
        GatehouseStatus status =
            create_with(&recorder, &host, configuration_cases[index].json, NULL, 1, &instance);
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
    GatehouseStatus status =
        create_with(&recorder, &host, "{\"languages\": \"eng+xx_no\"}", NULL, 1, &instance);
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
        check(status == GATEHOUSE_CANCELLED && !instance && recorder.errors == 0,
              "create stops when cancelled", recorder.error);
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
    check(resident_kilobytes() - before < 32 * 1024, "creating and destroying 40 times keeps memory flat",
          found);
}

static void test_confidence(void)
{
    const GatehouseInstance *strict = create_or_exit("{\"minimum_confidence\": 1}");
    check(read_image(strict, "light.png") == GATEHOUSE_OK && recorder.segments == 1 && recorder.size == 0,
          "nothing passes a minimum confidence of 1", text_of(&recorder));
    strict->destroy(strict->ctx);
}

void test_creating(void)
{
    test_configuration();
    test_weights();
    test_create_cancelled();
    test_confidence();
    test_many_instances();
}
