#include "check.h"

#include <stdio.h>
#include <stdlib.h>

int passed, failed;
const char *images;
Recorder recorder;
GatehouseHost host;

void check(bool good, const char *test, const char *found)
{
    printf("%s %s%s%s\n", good ? "ok  " : "FAIL", test, good ? "" : ": found ", good ? "" : found);
    good ? passed++ : failed++;
}

const char *image_path(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", images, name);
    return path;
}

const char *text_of(const Recorder *from)
{
    return from->text ? from->text : from->error;
}

const GatehouseInstance *create_or_exit(const char *configuration)
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

GatehouseStatus read_image(const GatehouseInstance *instance, const char *name)
{
    recorder_clear(&recorder);
    return encode_file(instance, &recorder, image_path(name));
}
