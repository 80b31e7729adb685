// Checks that a host makes before it believes a struct from the other side. They read nothing past what they have
// found to be there, which Swift cannot promise when it touches a struct that is shorter than it knows.

#ifndef GATEHOUSE_CHECK_H
#define GATEHOUSE_CHECK_H

#include "gatehouse.h"

#ifdef __cplusplus
extern "C" {
#endif

// What is wrong with an entry block; the first that applies.
typedef enum GatehouseEntryFault {
    GATEHOUSE_ENTRY_GOOD = 0,
    GATEHOUSE_ENTRY_NULL,
    GATEHOUSE_ENTRY_MAGIC,
    GATEHOUSE_ENTRY_ABI_MAJOR,
    GATEHOUSE_ENTRY_ABI_MINOR,
    GATEHOUSE_ENTRY_SIZE,
    GATEHOUSE_ENTRY_FUNCTION,  // one that must be set is NULL
} GatehouseEntryFault;

static inline GatehouseEntryFault gatehouse_check_entry(const GatehouseEntry *entry) {
    if (!entry) return GATEHOUSE_ENTRY_NULL;
    if (entry->magic != GATEHOUSE_MAGIC) return GATEHOUSE_ENTRY_MAGIC;
    if (entry->abi_major != GATEHOUSE_ABI_MAJOR) return GATEHOUSE_ENTRY_ABI_MAJOR;
    if (entry->abi_minor > GATEHOUSE_ABI_MINOR) return GATEHOUSE_ENTRY_ABI_MINOR;
    if (entry->struct_size != sizeof(GatehouseEntry)) return GATEHOUSE_ENTRY_SIZE;
    if (!entry->initialize || !entry->finalize || !entry->plugin_count || !entry->plugin || !entry->create) {
        return GATEHOUSE_ENTRY_FUNCTION;
    }
    return GATEHOUSE_ENTRY_GOOD;
}

static inline int gatehouse_check_descriptor(const GatehouseDescriptor *descriptor) {
    return descriptor && descriptor->struct_size == sizeof(GatehouseDescriptor) && descriptor->id
        && descriptor->name && descriptor->vendor && descriptor->version && descriptor->license
        && descriptor->modality && descriptor->media_types;
}

static inline int gatehouse_check_instance(const GatehouseInstance *instance) {
    return instance && instance->struct_size == sizeof(GatehouseInstance) && instance->destroy && instance->reset
        && instance->describe && instance->encode;
}

static inline int gatehouse_check_self_test(const GatehouseSelfTest *test) {
    return test && test->struct_size == sizeof(GatehouseSelfTest) && test->run;
}

static inline int gatehouse_check_batch(const GatehouseBatch *batch) {
    return batch && batch->struct_size == sizeof(GatehouseBatch) && batch->encode && batch->most_calls >= 2;
}

static inline int gatehouse_check_streaming(const GatehouseStreaming *streaming) {
    return streaming && streaming->struct_size == sizeof(GatehouseStreaming) && streaming->open
        && streaming->most_streams >= 1;
}

static inline int gatehouse_check_stream(const GatehouseStream *stream) {
    return stream && stream->struct_size == sizeof(GatehouseStream) && stream->push && stream->finish && stream->close;
}

// The spans are not looked at.
static inline int gatehouse_check_partial(const GatehousePartial *partial) {
    return partial && partial->struct_size == sizeof(GatehousePartial) && partial->text
        && partial->text->struct_size == sizeof(GatehouseText) && (partial->text->data || !partial->text->size)
        && (partial->text->spans || !partial->text->span_count);
}

// The size that the writer of any struct whose first field is `struct_size` declared.
static inline uint32_t gatehouse_struct_size(const void *start_of_struct) {
    return *(const uint32_t *)start_of_struct;
}

#ifdef __cplusplus
}
#endif

#endif
