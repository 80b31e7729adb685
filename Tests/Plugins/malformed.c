// Libraries that a host must refuse; the Makefile builds one for each name below.

#include <stddef.h>

#include "gatehouse.h"

#ifdef NO_ENTRY

__attribute__((visibility("default"))) int some_other_symbol(void);
int some_other_symbol(void) {
    return 0;
}

#else

static GatehouseStatus initialize(void *ctx, const GatehouseHost *host) {
    (void)ctx;
#ifdef NO_INITIALIZE
    static const char why[] = "the licence file is missing";
    host->set_error(host->ctx, why, sizeof why - 1);
    return GATEHOUSE_FAILED;
#else
    (void)host;
    return GATEHOUSE_OK;
#endif
}

static void finalize(void *ctx) {
    (void)ctx;
}

static uint32_t plugin_count(void *ctx) {
    (void)ctx;
    return 1;
}

static const GatehouseDescriptor *plugin(void *ctx, uint32_t index) {
    static const GatehouseDescriptor nameless = {.struct_size = sizeof nameless};
    (void)ctx;
    return index == 0 ? &nameless : NULL;
}

static GatehouseStatus create(
    void *ctx, const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *job,
    const GatehouseInstance **instance) {
    (void)ctx, (void)id, (void)arguments, (void)job, (void)instance;
    return GATEHOUSE_FAILED;
}

const GatehouseEntry *gatehouse_plugin_entry(void) {
    static GatehouseEntry entry = {
        .struct_size = sizeof entry,
        .abi_major = GATEHOUSE_ABI_MAJOR,
        .abi_minor = GATEHOUSE_ABI_MINOR,
        .initialize = initialize,
        .finalize = finalize,
        .plugin_count = plugin_count,
        .plugin = plugin,
        .create = create,
    };
    entry.magic = GATEHOUSE_MAGIC;
#if defined OTHER_MINOR
    entry.abi_minor = GATEHOUSE_ABI_MINOR + 1;
#elif defined OTHER_MAJOR
    entry.abi_major = GATEHOUSE_ABI_MAJOR + 1;
#elif defined WRONG_MAGIC
    entry.magic = 0x1234;
#elif defined SHORT_STRUCT
    entry.struct_size = 40;
#elif defined MISSING_FUNCTION
    entry.create = NULL;
#elif defined NULL_ENTRY
    const GatehouseEntry *volatile none = NULL;
    return none;
#endif
    return &entry;
}

#endif
