#include "host.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    void *h = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!h) { puts(dlerror()); return 2; }
    library = ((const GatehouseEntry *(*)(void))dlsym(h, "gatehouse_plugin_entry"))();
    Recorder rec = {0};
    GatehouseHost host = host_for(&rec);
    library->initialize(library->ctx, &host);
    const GatehouseInstance *instance;
    double t = now();
    int s = create_with(&rec, &host, argv[3], NULL, getenv("T")?atoi(getenv("T")):2, &instance);
    printf("create %d %s %.3f\n", s, rec.error, now() - t);
    for (int i = 4; i < argc; i++) {
        recorder_clear(&rec);
        t = now();
        s = encode_file(instance, &rec, argv[i]);
        printf("--- %s %d %s %.2fs polls %d conf %.2f wrong %d %d\n%s\n", argv[i], s, rec.error, now() - t, rec.polls, rec.least_confidence, rec.protocol_wrong, rec.progress_wrong, rec.text ? rec.text : "");
    }
    instance->destroy(instance->ctx);
}
