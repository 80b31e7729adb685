// The layout that both sides of the ABI rely on, held by the compiler: sizes, the place and type of every field,
// functions included, and the value of every constant. A line that no longer compiles is a change of the contract.

#include <stddef.h>

#include "gatehouse.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " is " #bytes " bytes")
#define FIELD(type, field, offset, ...)                                                                  \
    _Static_assert(offsetof(type, field) == (offset), #type "." #field " is at " #offset);               \
    _Static_assert(_Generic(&((type *)0)->field, __VA_ARGS__: 1, default: 0), #type "." #field " has another type")
#define VALUE(name, value) _Static_assert((name) == (value), #name " is " #value)

VALUE(GATEHOUSE_MAGIC, 0x0045534845544147);

VALUE(GATEHOUSE_ABI_MAJOR, 1);
VALUE(GATEHOUSE_ABI_MINOR, 0);

VALUE(GATEHOUSE_OK, 0);
VALUE(GATEHOUSE_CANCELLED, 1);
VALUE(GATEHOUSE_BAD_INPUT, 2);
VALUE(GATEHOUSE_BAD_CONFIGURATION, 3);
VALUE(GATEHOUSE_NO_WEIGHTS, 4);
VALUE(GATEHOUSE_UNSUPPORTED, 5);
VALUE(GATEHOUSE_UNAVAILABLE, 6);
VALUE(GATEHOUSE_OUT_OF_MEMORY, 7);
VALUE(GATEHOUSE_FAILED, 8);

VALUE(GATEHOUSE_LOG_DEBUG, 0);
VALUE(GATEHOUSE_LOG_INFO, 1);
VALUE(GATEHOUSE_LOG_WARNING, 2);
VALUE(GATEHOUSE_LOG_ERROR, 3);

VALUE(GATEHOUSE_PART_ENCODED, 0);
VALUE(GATEHOUSE_PART_TEXT, 1);
VALUE(GATEHOUSE_PART_PCM, 2);
VALUE(GATEHOUSE_PART_PIXELS, 3);

VALUE(GATEHOUSE_OUTPUT_TEXT, 1);
VALUE(GATEHOUSE_OUTPUT_SOFT, 2);
VALUE(GATEHOUSE_OUTPUT_ROWS, 4);

VALUE(GATEHOUSE_FLOAT32, 0);
VALUE(GATEHOUSE_FLOAT16, 1);
VALUE(GATEHOUSE_BFLOAT16, 2);

VALUE(GATEHOUSE_REENTRANT, 1);
VALUE(GATEHOUSE_SAFE_TO_CLOSE, 2);
VALUE(GATEHOUSE_NEEDS_WEIGHTS, 4);

SIZE(GatehouseHost, 56);
FIELD(GatehouseHost, struct_size, 0, uint32_t *);
FIELD(GatehouseHost, abi_major, 4, uint32_t *);
FIELD(GatehouseHost, abi_minor, 8, uint32_t *);
FIELD(GatehouseHost, reserved, 12, uint32_t *);
FIELD(GatehouseHost, ctx, 16, void **);
FIELD(GatehouseHost, name, 24, const char **);
FIELD(GatehouseHost, log, 32, void (**)(void *, int32_t, const char *, uint64_t));
FIELD(GatehouseHost, set_error, 40, void (**)(void *, const char *, uint64_t));
FIELD(GatehouseHost, extension, 48, const void *(**)(void *, const char *));

SIZE(GatehouseJob, 48);
FIELD(GatehouseJob, struct_size, 0, uint32_t *);
FIELD(GatehouseJob, reserved, 4, uint32_t *);
FIELD(GatehouseJob, ctx, 8, void **);
FIELD(GatehouseJob, id, 16, uint64_t *);
FIELD(GatehouseJob, deadline_ns, 24, uint64_t *);
FIELD(GatehouseJob, cancelled, 32, int32_t (**)(void *));
FIELD(GatehouseJob, progress, 40, void (**)(void *, double));

SIZE(GatehouseDecoderIdentity, 24);
FIELD(GatehouseDecoderIdentity, struct_size, 0, uint32_t *);
FIELD(GatehouseDecoderIdentity, hidden, 4, uint32_t *);
FIELD(GatehouseDecoderIdentity, family, 8, const char **);
FIELD(GatehouseDecoderIdentity, fingerprint, 16, const float **);

SIZE(GatehouseDecoder, 24);
FIELD(GatehouseDecoder, struct_size, 0, uint32_t *);
FIELD(GatehouseDecoder, vocabulary, 4, uint32_t *);
FIELD(GatehouseDecoder, context, 8, uint32_t *);
FIELD(GatehouseDecoder, reserved, 12, uint32_t *);
FIELD(GatehouseDecoder, identity, 16, const GatehouseDecoderIdentity **);

SIZE(GatehousePart, 56);
FIELD(GatehousePart, kind, 0, uint32_t *);
FIELD(GatehousePart, reserved, 4, uint32_t *);
FIELD(GatehousePart, media_type, 8, const char **);
FIELD(GatehousePart, data, 16, const uint8_t **);
FIELD(GatehousePart, size, 24, uint64_t *);
FIELD(GatehousePart, sample_rate, 32, uint32_t *);
FIELD(GatehousePart, channels, 36, uint32_t *);
FIELD(GatehousePart, width, 40, uint32_t *);
FIELD(GatehousePart, height, 44, uint32_t *);
FIELD(GatehousePart, stride, 48, uint64_t *);

SIZE(GatehouseInput, 16);
FIELD(GatehouseInput, struct_size, 0, uint32_t *);
FIELD(GatehouseInput, part_count, 4, uint32_t *);
FIELD(GatehouseInput, parts, 8, const GatehousePart **);

SIZE(GatehouseSpan, 40);
FIELD(GatehouseSpan, begin, 0, uint64_t *);
FIELD(GatehouseSpan, end, 8, uint64_t *);
FIELD(GatehouseSpan, start_seconds, 16, double *);
FIELD(GatehouseSpan, end_seconds, 24, double *);
FIELD(GatehouseSpan, confidence, 32, float *);
FIELD(GatehouseSpan, reserved, 36, uint32_t *);

SIZE(GatehouseText, 32);
FIELD(GatehouseText, struct_size, 0, uint32_t *);
FIELD(GatehouseText, span_count, 4, uint32_t *);
FIELD(GatehouseText, data, 8, const char **);
FIELD(GatehouseText, size, 16, uint64_t *);
FIELD(GatehouseText, spans, 24, const GatehouseSpan **);

SIZE(GatehouseSoft, 40);
FIELD(GatehouseSoft, struct_size, 0, uint32_t *);
FIELD(GatehouseSoft, slot_count, 4, uint32_t *);
FIELD(GatehouseSoft, slot_offsets, 8, const uint32_t **);
FIELD(GatehouseSoft, piece_offsets, 16, const uint32_t **);
FIELD(GatehouseSoft, bytes, 24, const char **);
FIELD(GatehouseSoft, weights, 32, const float **);

SIZE(GatehouseRows, 56);
FIELD(GatehouseRows, struct_size, 0, uint32_t *);
FIELD(GatehouseRows, element_type, 4, uint32_t *);
FIELD(GatehouseRows, rows, 8, uint32_t *);
FIELD(GatehouseRows, width, 12, uint32_t *);
FIELD(GatehouseRows, stride, 16, uint64_t *);
FIELD(GatehouseRows, data, 24, const void **);
FIELD(GatehouseRows, axes, 32, uint32_t *);
FIELD(GatehouseRows, grid_t, 36, uint32_t *);
FIELD(GatehouseRows, grid_h, 40, uint32_t *);
FIELD(GatehouseRows, grid_w, 44, uint32_t *);
FIELD(GatehouseRows, positions, 48, const int32_t **);

SIZE(GatehouseSink, 72);
FIELD(GatehouseSink, struct_size, 0, uint32_t *);
FIELD(GatehouseSink, reserved, 4, uint32_t *);
FIELD(GatehouseSink, ctx, 8, void **);
FIELD(GatehouseSink, begin, 16, GatehouseStatus (**)(void *, uint32_t, uint32_t, uint64_t));
FIELD(GatehouseSink, text, 24, GatehouseStatus (**)(void *, const GatehouseText *));
FIELD(GatehouseSink, soft, 32, GatehouseStatus (**)(void *, const GatehouseSoft *));
FIELD(GatehouseSink, rows, 40, GatehouseStatus (**)(void *, const GatehouseRows *));
FIELD(GatehouseSink, acquire_rows, 48, GatehouseStatus (**)(void *, const GatehouseRows *, void **));
FIELD(GatehouseSink, commit_rows, 56, GatehouseStatus (**)(void *, uint32_t));
FIELD(GatehouseSink, end, 64, GatehouseStatus (**)(void *));

SIZE(GatehouseOutputs, 32);
FIELD(GatehouseOutputs, struct_size, 0, uint32_t *);
FIELD(GatehouseOutputs, kinds, 4, uint32_t *);
FIELD(GatehouseOutputs, width, 8, uint32_t *);
FIELD(GatehouseOutputs, element_type, 12, uint32_t *);
FIELD(GatehouseOutputs, most_slots, 16, uint64_t *);
FIELD(GatehouseOutputs, decoder, 24, const GatehouseDecoderIdentity **);

SIZE(GatehouseInstance, 56);
FIELD(GatehouseInstance, struct_size, 0, uint32_t *);
FIELD(GatehouseInstance, reserved, 4, uint32_t *);
FIELD(GatehouseInstance, ctx, 8, void **);
FIELD(GatehouseInstance, destroy, 16, void (**)(void *));
FIELD(GatehouseInstance, reset, 24, GatehouseStatus (**)(void *));
FIELD(GatehouseInstance, describe, 32, GatehouseStatus (**)(void *, GatehouseOutputs *));
FIELD(GatehouseInstance, encode, 40, GatehouseStatus (**)(void *, const GatehouseJob *,
      const GatehouseInput *, const GatehouseSink *));
FIELD(GatehouseInstance, extension, 48, const void *(**)(void *, const char *));

SIZE(GatehouseSelfTest, 24);
FIELD(GatehouseSelfTest, struct_size, 0, uint32_t *);
FIELD(GatehouseSelfTest, reserved, 4, uint32_t *);
FIELD(GatehouseSelfTest, ctx, 8, void **);
FIELD(GatehouseSelfTest, run, 16, GatehouseStatus (**)(void *, const GatehouseJob *));

SIZE(GatehouseBatchCall, 32);
FIELD(GatehouseBatchCall, job, 0, const GatehouseJob **);
FIELD(GatehouseBatchCall, input, 8, const GatehouseInput **);
FIELD(GatehouseBatchCall, sink, 16, const GatehouseSink **);
FIELD(GatehouseBatchCall, host, 24, const GatehouseHost **);

SIZE(GatehouseBatch, 24);
FIELD(GatehouseBatch, struct_size, 0, uint32_t *);
FIELD(GatehouseBatch, most_calls, 4, uint32_t *);
FIELD(GatehouseBatch, ctx, 8, void **);
FIELD(GatehouseBatch, encode, 16, void (**)(void *, uint32_t, const GatehouseBatchCall *, GatehouseStatus *));

SIZE(GatehouseStreamFormat, 32);
FIELD(GatehouseStreamFormat, struct_size, 0, uint32_t *);
FIELD(GatehouseStreamFormat, sample_rate, 4, uint32_t *);
FIELD(GatehouseStreamFormat, channels, 8, uint32_t *);
FIELD(GatehouseStreamFormat, reserved, 12, uint32_t *);
FIELD(GatehouseStreamFormat, configuration, 16, const char **);
FIELD(GatehouseStreamFormat, configuration_size, 24, uint64_t *);

SIZE(GatehousePartial, 56);
FIELD(GatehousePartial, struct_size, 0, uint32_t *);
FIELD(GatehousePartial, is_final, 4, uint32_t *);
FIELD(GatehousePartial, revision, 8, uint64_t *);
FIELD(GatehousePartial, offset, 16, uint64_t *);
FIELD(GatehousePartial, stable, 24, uint64_t *);
FIELD(GatehousePartial, start_seconds, 32, double *);
FIELD(GatehousePartial, end_seconds, 40, double *);
FIELD(GatehousePartial, text, 48, const GatehouseText **);

SIZE(GatehouseStreamSink, 24);
FIELD(GatehouseStreamSink, struct_size, 0, uint32_t *);
FIELD(GatehouseStreamSink, reserved, 4, uint32_t *);
FIELD(GatehouseStreamSink, ctx, 8, void **);
FIELD(GatehouseStreamSink, partial, 16, GatehouseStatus (**)(void *, const GatehousePartial *));

SIZE(GatehouseStream, 40);
FIELD(GatehouseStream, struct_size, 0, uint32_t *);
FIELD(GatehouseStream, reserved, 4, uint32_t *);
FIELD(GatehouseStream, ctx, 8, void **);
FIELD(GatehouseStream, push, 16, GatehouseStatus (**)(void *, const GatehouseJob *, const float *, uint64_t,
      const GatehouseStreamSink *));
FIELD(GatehouseStream, finish, 24, GatehouseStatus (**)(void *, const GatehouseJob *, const GatehouseStreamSink *));
FIELD(GatehouseStream, close, 32, void (**)(void *));

SIZE(GatehouseStreaming, 24);
FIELD(GatehouseStreaming, struct_size, 0, uint32_t *);
FIELD(GatehouseStreaming, most_streams, 4, uint32_t *);
FIELD(GatehouseStreaming, ctx, 8, void **);
FIELD(GatehouseStreaming, open, 16, GatehouseStatus (**)(void *, const GatehouseJob *, const GatehouseStreamFormat *,
      const GatehouseStream **));

SIZE(GatehouseCreateArguments, 56);
FIELD(GatehouseCreateArguments, struct_size, 0, uint32_t *);
FIELD(GatehouseCreateArguments, threads, 4, uint32_t *);
FIELD(GatehouseCreateArguments, host, 8, const GatehouseHost **);
FIELD(GatehouseCreateArguments, configuration, 16, const char **);
FIELD(GatehouseCreateArguments, configuration_size, 24, uint64_t *);
FIELD(GatehouseCreateArguments, weights, 32, const char **);
FIELD(GatehouseCreateArguments, cache_folder, 40, const char **);
FIELD(GatehouseCreateArguments, decoder, 48, const GatehouseDecoder **);

SIZE(GatehouseDescriptor, 88);
FIELD(GatehouseDescriptor, struct_size, 0, uint32_t *);
FIELD(GatehouseDescriptor, flags, 4, uint32_t *);
FIELD(GatehouseDescriptor, id, 8, const char **);
FIELD(GatehouseDescriptor, name, 16, const char **);
FIELD(GatehouseDescriptor, vendor, 24, const char **);
FIELD(GatehouseDescriptor, version, 32, const char **);
FIELD(GatehouseDescriptor, license, 40, const char **);
FIELD(GatehouseDescriptor, modality, 48, const char **);
FIELD(GatehouseDescriptor, media_types, 56, const char **);
FIELD(GatehouseDescriptor, output_kinds, 64, uint32_t *);
FIELD(GatehouseDescriptor, most_instances, 68, uint32_t *);
FIELD(GatehouseDescriptor, configuration_schema, 72, const char **);
FIELD(GatehouseDescriptor, weights_manifest, 80, const char **);

SIZE(GatehouseEntry, 88);
FIELD(GatehouseEntry, magic, 0, uint64_t *);
FIELD(GatehouseEntry, struct_size, 8, uint32_t *);
FIELD(GatehouseEntry, abi_major, 12, uint32_t *);
FIELD(GatehouseEntry, abi_minor, 16, uint32_t *);
FIELD(GatehouseEntry, reserved, 20, uint32_t *);
FIELD(GatehouseEntry, toolchain, 24, const char **);
FIELD(GatehouseEntry, ctx, 32, void **);
FIELD(GatehouseEntry, initialize, 40, GatehouseStatus (**)(void *, const GatehouseHost *));
FIELD(GatehouseEntry, finalize, 48, void (**)(void *));
FIELD(GatehouseEntry, plugin_count, 56, uint32_t (**)(void *));
FIELD(GatehouseEntry, plugin, 64, const GatehouseDescriptor *(**)(void *, uint32_t));
FIELD(GatehouseEntry, create, 72, GatehouseStatus (**)(void *, const char *,
      const GatehouseCreateArguments *, const GatehouseJob *, const GatehouseInstance **));
FIELD(GatehouseEntry, extension, 80, const void *(**)(void *, const char *));

_Static_assert(_Generic(&gatehouse_plugin_entry, const GatehouseEntry *(*)(void): 1, default: 0),
               "gatehouse_plugin_entry has another type");
