// Gatehouse plugin ABI 1.0. This header is the contract and the manual.
//
// A plugin is a shared library that turns one kind of input (an image, a sound, a file of measurements) into
// something a text decoder can read: text, soft tokens, or rows in the decoder's embedding space. The host opens
// the library with dlopen, asks it what it offers, and calls it when a request carries something for it. The
// library exports exactly one symbol, gatehouse_plugin_entry, and needs no symbol of the host.
//
//   gatehouse_plugin_entry() ─ initialize ─ plugin(0 … count-1) ─ create ─ encode, encode, … ─ destroy ─ finalize
//
// Conventions, which hold for every function below unless it says otherwise:
//
//  Context    Every function takes as its first argument the `ctx` of the struct it was found in.
//  Memory     Whoever allocates frees. Inputs, arguments and strings handed to a call are borrowed until it
//             returns; the receiver copies what it keeps. Descriptors and the entry live as long as the library.
//  Failure    Fallible functions return a GatehouseStatus. Before returning anything but OK or CANCELLED they say
//             why, in one sentence, through the host's set_error. On failure out-parameters are untouched and
//             ownership stays with the caller. Nothing throws, unwinds, longjmps or exits across a call.
//  Strings    UTF-8. Data is pointer and length, not NUL-terminated, and the pointer may be NULL where the length
//             is 0; ids, media types and absolute paths are NUL-terminated. No other pointer is NULL unless its
//             comment says that it may be.
//  Structs    `struct_size` is sizeof the struct as its writer knows it, for checking; the sizes below are those of
//             64-bit systems, and no struct has hidden padding. A layout that shipped never changes: growth is a
//             new extension. `reserved` fields are zero. Optional function pointers are
//             marked [optional] and may be NULL; all others are set.
//  Threads    Each function carries a tag:
//             [scan]     one thread at a time for the whole library; the host may call it from any thread
//             [serial]   one call at a time for each instance, from any thread; other instances may run meanwhile
//             [any]      any thread, at any time while what it belongs to lives
//             [in-call]  only during the call that was handed it, from any thread of the plugin
//             Two calls on one instance never overlap unless the descriptor says GATEHOUSE_REENTRANT.
//  Process    A plugin does not touch signal handlers, the locale, the working folder, the environment, or
//             standard input and output. What it or its libraries write to standard error goes to the host's. It
//             may change settings of a library that only it uses, in initialize. It starts no process. Threads it
//             starts end in destroy or finalize. It may run in a sandbox: no network, and no files but its weights,
//             its cache folder, and what the operator lists for it.

#ifndef GATEHOUSE_H
#define GATEHOUSE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------------------------------
// Version

// A host takes every plugin of its own major whose minor is not above its own. 1.0 is frozen: what is in this header
// never changes, and a plugin built for it works in every host to come. What is new gets an extension id of its own.
enum {
    GATEHOUSE_ABI_MAJOR = 1,
    GATEHOUSE_ABI_MINOR = 0,
};

// The bytes "GATEHSE" and NUL, read as a little-endian 64-bit number. A macro, so that a static entry can use it.
#define GATEHOUSE_MAGIC 0x0045534845544147ull

// ---------------------------------------------------------------------------------------------------------------
// Status

typedef int32_t GatehouseStatus;
enum {
    GATEHOUSE_OK = 0,
    GATEHOUSE_CANCELLED = 1,          // the job asked for it; not a failure, needs no message
    GATEHOUSE_BAD_INPUT = 2,          // the input is not what its media type says, or is beyond declared limits
    GATEHOUSE_BAD_CONFIGURATION = 3,  // the message names the key, what was expected and what was found
    GATEHOUSE_NO_WEIGHTS = 4,         // weights missing or damaged; the message names the file
    GATEHOUSE_UNSUPPORTED = 5,        // never: an id, media type or kind of part that this plugin does not know
    GATEHOUSE_UNAVAILABLE = 6,        // not now: trying again later may work
    GATEHOUSE_OUT_OF_MEMORY = 7,
    GATEHOUSE_FAILED = 8,             // anything else
};

// ---------------------------------------------------------------------------------------------------------------
// What the host lends

enum {
    GATEHOUSE_LOG_DEBUG = 0,
    GATEHOUSE_LOG_INFO = 1,
    GATEHOUSE_LOG_WARNING = 2,
    GATEHOUSE_LOG_ERROR = 3,
};

// Services of the host. Handed to initialize and, one for each instance, to create; the pointer and the functions
// stay valid until the matching finalize or destroy returns.
typedef struct GatehouseHost {  // 56 bytes
    uint32_t struct_size;
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t reserved;
    void *ctx;
    const char *name;     // "gatehouse 0.1.0"

    // One line for the operator's log; line ends inside it are replaced. The host may drop lines of a flood. [any]
    void (*log)(void *ctx, int32_t level, const char *text, uint64_t size);

    // Why the call in progress is about to fail. Of several messages in one call the last counts. [in-call]
    void (*set_error)(void *ctx, const char *text, uint64_t size);

    // A further service by id ("gatehouse.NAME/REVISION"), or NULL where this host has none. [any]
    const void *(*extension)(void *ctx, const char *id);
} GatehouseHost;

// One call's connection to the request behind it. Valid only during the call it was handed to.
typedef struct GatehouseJob {  // 48 bytes
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    uint64_t id;           // for logs; unique in this process
    uint64_t deadline_ns;  // on CLOCK_MONOTONIC; 0: none

    // Not zero once the result is no longer wanted, the deadline included. Poll it at least every 50 ms of work
    // where that is possible, and return CANCELLED promptly. Costs some nanoseconds. [in-call]
    int32_t (*cancelled)(void *ctx);

    // How much of the call is done, 0 … 1, never falling. [in-call]
    void (*progress)(void *ctx, double fraction);
} GatehouseJob;

// Which decoder rows are meant for. Two identities match when family and hidden size are equal and the cosine of
// their fingerprints is above 0.98, so that a quantised file matches its original.
//
// The fingerprint is made from the embedding rows E of the 64 tokens that stand for the single bytes 0x21 … 0x60:
// value [t][j], t = 0 … 63, j = 0 … 7, is Σ_d s(j, d) · E_t[d], where the sign s(j, d) is +1 if bit 63 of
// splitmix64(8 · d + j) is 0 and -1 if it is 1. splitmix64(x) is: z = x + 0x9E3779B97F4A7C15;
// z = (z ^ (z >> 30)) · 0xBF58476D1CE4E5B9; z = (z ^ (z >> 27)) · 0x94D049BB133111EB; z ^ (z >> 31), modulo 2^64.
typedef struct GatehouseDecoderIdentity {  // 24 bytes
    uint32_t struct_size;
    uint32_t hidden;            // width of an embedding row
    const char *family;         // "llama", "glm4", …
    const float *fingerprint;   // [64, 8], row-major
} GatehouseDecoderIdentity;

// The decoder that will read the output.
typedef struct GatehouseDecoder {  // 24 bytes
    uint32_t struct_size;
    uint32_t vocabulary;
    uint32_t context;           // tokens
    uint32_t reserved;
    const GatehouseDecoderIdentity *identity;
} GatehouseDecoder;

// ---------------------------------------------------------------------------------------------------------------
// Input

enum {
    GATEHOUSE_PART_ENCODED = 0,  // a file's bytes, as `media_type` says
    GATEHOUSE_PART_TEXT = 1,     // UTF-8
    GATEHOUSE_PART_PCM = 2,      // float32 samples in -1 … 1, channels interleaved
    GATEHOUSE_PART_PIXELS = 3,   // 8-bit RGBA, not premultiplied, sRGB, `stride` bytes from row to row
};

// The media types of the descriptor speak of ENCODED parts. A plugin that takes parts decoded already says so in its
// own documentation; every other answers them with UNSUPPORTED.
typedef struct GatehousePart {  // 56 bytes
    uint32_t kind;
    uint32_t reserved;
    const char *media_type;      // lower case, without parameters: "image/png"
    const uint8_t *data;         // read-only; unmapped after the call
    uint64_t size;               // bytes
    uint32_t sample_rate;        // Hz; PCM only, else 0
    uint32_t channels;           // PCM only, else 0
    uint32_t width;              // PIXELS only, else 0
    uint32_t height;             // PIXELS only, else 0
    uint64_t stride;             // bytes; PIXELS only, else 0
} GatehousePart;

typedef struct GatehouseInput {  // 16 bytes
    uint32_t struct_size;
    uint32_t part_count;         // at least 1
    const GatehousePart *parts;
} GatehouseInput;

// ---------------------------------------------------------------------------------------------------------------
// Output

enum {
    GATEHOUSE_OUTPUT_TEXT = 1,   // bits, for the masks of descriptor and outputs
    GATEHOUSE_OUTPUT_SOFT = 2,
    GATEHOUSE_OUTPUT_ROWS = 4,
};

enum {
    GATEHOUSE_FLOAT32 = 0,
    GATEHOUSE_FLOAT16 = 1,
    GATEHOUSE_BFLOAT16 = 2,
};

// What a stretch of the text rests on. Times are seconds from the start of the part, NaN where there is none.
typedef struct GatehouseSpan {  // 40 bytes
    uint64_t begin;              // bytes into the segment's text
    uint64_t end;
    double start_seconds;
    double end_seconds;
    float confidence;            // 0 … 1, or NaN
    uint32_t reserved;
} GatehouseSpan;

// UTF-8, without any control token: the host tokenises it as plain text whatever it says. Works with any decoder.
typedef struct GatehouseText {  // 32 bytes
    uint32_t struct_size;
    uint32_t span_count;
    const char *data;
    uint64_t size;               // bytes
    const GatehouseSpan *spans;  // sorted by begin, not overlapping; offsets count from the segment's first byte
} GatehouseText;

// Slots, each a short distribution over text pieces; a piece carries its own leading space. Works with any decoder.
typedef struct GatehouseSoft {  // 40 bytes
    uint32_t struct_size;
    uint32_t slot_count;
    const uint32_t *slot_offsets;   // [slot_count + 1], into pieces, rising from 0
    const uint32_t *piece_offsets;  // [pieces + 1], into bytes, rising from 0
    const char *bytes;              // UTF-8 of every piece
    const float *weights;           // [pieces]; ≥ 0, each slot's sum ≤ 1
} GatehouseSoft;

// Embeddings in one decoder's space: the one named in GatehouseOutputs.decoder.
typedef struct GatehouseRows {  // 56 bytes
    uint32_t struct_size;
    uint32_t element_type;       // GATEHOUSE_FLOAT32 …
    uint32_t rows;
    uint32_t width;              // elements in a row
    uint64_t stride;             // bytes from row to row
    const void *data;
    uint32_t axes;               // positions a row has: 0 (the host counts) or 3 (t, h, w)
    uint32_t grid_t;             // the grid that positions lie in; 0, 0, 0 where there is none
    uint32_t grid_h;
    uint32_t grid_w;
    const int32_t *positions;    // [rows, axes]: 0 ≤ t < grid_t, and so on; NULL where axes is 0
} GatehouseRows;

// Receives what encode makes. A segment is begin, then any number of the calls of its kind, then end; with none it is
// empty. Segments follow each other and refer to parts in rising order; a part may have none or several. Each function
// copies before it returns. When one returns anything but OK, stop at once and return that status without a message;
// nothing else is owed, end included. [in-call]
typedef struct GatehouseSink {  // 72 bytes
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;

    // Opens a segment for input part `part`. `kind` is one GATEHOUSE_OUTPUT_ bit; `expected` is the bytes, slots or
    // rows to come if they are known, else 0; it is a hint and binds nobody.
    GatehouseStatus (*begin)(void *ctx, uint32_t part, uint32_t kind, uint64_t expected);

    // Append to the open segment.
    GatehouseStatus (*text)(void *ctx, const GatehouseText *text);
    GatehouseStatus (*soft)(void *ctx, const GatehouseSoft *soft);
    GatehouseStatus (*rows)(void *ctx, const GatehouseRows *rows);

    // Rows written in place, to save a copy: acquire hands out zeroed memory for `shape` (its data is ignored, its
    // positions are copied), aligned to 64 bytes and valid until commit, which keeps the first `rows` of them.
    GatehouseStatus (*acquire_rows)(void *ctx, const GatehouseRows *shape, void **data);
    GatehouseStatus (*commit_rows)(void *ctx, uint32_t rows);

    GatehouseStatus (*end)(void *ctx);
} GatehouseSink;

// What an instance hands out, now that configuration and weights are known.
typedef struct GatehouseOutputs {  // 32 bytes
    uint32_t struct_size;
    uint32_t kinds;              // GATEHOUSE_OUTPUT_ bits
    uint32_t width;              // of rows; 0 where it makes none
    uint32_t element_type;       // of rows
    uint64_t most_slots;         // most text bytes, slots or rows for one part; 0: no bound
    const GatehouseDecoderIdentity *decoder;  // whose space rows are in; NULL where it makes none
} GatehouseOutputs;

// ---------------------------------------------------------------------------------------------------------------
// The plugin

// One loaded encoder. Made by create, ended by destroy.
typedef struct GatehouseInstance {  // 56 bytes
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;

    // Frees everything. Legal at any time but during a call; after an error and after a cancel too. [serial]
    void (*destroy)(void *ctx);

    // Forgets whatever earlier calls left behind, so that the next one is as the first. [serial]
    GatehouseStatus (*reset)(void *ctx);

    // Fills `outputs`; what it points to lives as long as the instance. [serial]
    GatehouseStatus (*describe)(void *ctx, GatehouseOutputs *outputs);

    // Encodes all parts of `input` in order. The same input gives the same bits. [serial]
    GatehouseStatus (*encode)(
        void *ctx, const GatehouseJob *job, const GatehouseInput *input, const GatehouseSink *sink);

    // [optional] A further ability by id, or NULL. [serial]
    const void *(*extension)(void *ctx, const char *id);
} GatehouseInstance;

// ---------------------------------------------------------------------------------------------------------------
// Extensions of an instance
//
// What its `extension` answers these ids with. Each is optional; the struct lives as long as the instance.

// The plugin's own judgement of whether it works, by an input that it carries and an output that it knows. The host asks
// once before a new version of the plugin takes requests, and where the answer is not OK, it takes none.
#define GATEHOUSE_SELF_TEST "gatehouse.self-test/1"
typedef struct GatehouseSelfTest {  // 24 bytes
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;

    // Leaves nothing behind that a later call could see. [serial]
    GatehouseStatus (*run)(void *ctx, const GatehouseJob *job);
} GatehouseSelfTest;

// One of the calls of a batch: they are of different requests. `host` takes the messages of this call; its other
// functions are as those of the instance's own.
typedef struct GatehouseBatchCall {  // 32 bytes
    const GatehouseJob *job;
    const GatehouseInput *input;
    const GatehouseSink *sink;
    const GatehouseHost *host;
} GatehouseBatchCall;

// Several calls at once, for an encoder that does them faster together. Every call comes out as encode would have made
// it alone, to the bit, whatever stands beside it. Where a worker dies over a batch, the host makes each of its calls
// once more, alone, by encode.
#define GATEHOUSE_BATCH "gatehouse.batch/1"
typedef struct GatehouseBatch {  // 24 bytes
    uint32_t struct_size;
    uint32_t most_calls;         // in one batch; at least 2
    void *ctx;

    // Encodes calls[0] … calls[count - 1], 2 ≤ count ≤ most_calls, and writes to statuses[i] what encode would have
    // returned for calls[i]. A call that is refused or cancelled ends alone; the others go on. [serial]
    void (*encode)(void *ctx, uint32_t count, const GatehouseBatchCall *calls, GatehouseStatus *statuses);
} GatehouseBatch;

// What comes a block at a time, and is read as it comes: live sound, with text that grows while somebody speaks.
//
//   open ─ push, push, … ─ finish ─ close
//
// Streams of one instance are opened and called one at a time, as encode is, and know nothing of each other or of the
// encodes between their calls. A stream makes the same text, to the byte, however its samples are cut into blocks.
//
// A stream ends with exactly one terminal event: the final partial, during finish, or the first status other than OK
// that push or finish returned, CANCELLED included. After it only close is called; a push or finish that comes all the
// same is refused with FAILED and sends nothing. The host closes every stream before reset and destroy.
#define GATEHOUSE_STREAM "gatehouse.stream/1"

// How a stream is fed. Borrowed for the call of open.
typedef struct GatehouseStreamFormat {  // 32 bytes
    uint32_t struct_size;
    uint32_t sample_rate;        // Hz, at least 1
    uint32_t channels;           // at least 1
    uint32_t reserved;
    const char *configuration;   // a JSON object of the client's wishes for this stream; "{}" where it has none
    uint64_t configuration_size;
} GatehouseStreamFormat;

// What a stream has understood so far. Its text is what earlier partials said up to byte `offset`, and then `text`; its
// spans are theirs up to there, and then those of `text`. So what is stable need not be sent again, and an offset of 0
// sends all of it. An offset lies inside no earlier span.
//
// The first `stable` bytes of the stream's text never change again, and `stable` never falls; the rest may be another
// with every partial. Both counts are at characters' boundaries, and offset ≤ the `stable` of the partial before it.
// The final partial leaves nothing unstable.
typedef struct GatehousePartial {  // 56 bytes
    uint32_t struct_size;
    uint32_t is_final;           // 1 for the last of the stream, else 0
    uint64_t revision;           // counts the stream's partials: 1, 2, 3, …
    uint64_t offset;             // bytes
    uint64_t stable;             // bytes of the stream's text, at most offset + text->size
    double start_seconds;        // the sound that `text` rests on, from the start of the stream; the end is as far as it
    double end_seconds;          // was heard. 0 ≤ start ≤ end
    const GatehouseText *text;   // its spans lie in it; their offsets count from the stream's first byte
} GatehousePartial;

// Receives what a stream understands. It copies before it returns; when it returns anything but OK, stop at once and
// return that status without a message. [in-call]
typedef struct GatehouseStreamSink {  // 24 bytes
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    GatehouseStatus (*partial)(void *ctx, const GatehousePartial *partial);
} GatehouseStreamSink;

// One open stream. The struct belongs to the plugin and lives until its close returns.
typedef struct GatehouseStream {  // 40 bytes
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;

    // Takes the next samples: float32 in -1 … 1, channels interleaved, `frames` of each channel, 0 among them. Sends a
    // partial where something has changed. [serial]
    GatehouseStatus (*push)(
        void *ctx, const GatehouseJob *job, const float *samples, uint64_t frames, const GatehouseStreamSink *sink);

    // No more samples come: sends the final partial, as its last. [serial]
    GatehouseStatus (*finish)(void *ctx, const GatehouseJob *job, const GatehouseStreamSink *sink);

    // Frees the stream. Legal at any time but during a call. [serial]
    void (*close)(void *ctx);
} GatehouseStream;

typedef struct GatehouseStreaming {  // 24 bytes
    uint32_t struct_size;
    uint32_t most_streams;       // open on one instance at once; at least 1. They share its weights
    void *ctx;

    // Opens a stream, or refuses its format with BAD_INPUT, its configuration with BAD_CONFIGURATION. [serial]
    GatehouseStatus (*open)(
        void *ctx, const GatehouseJob *job, const GatehouseStreamFormat *format, const GatehouseStream **stream);
} GatehouseStreaming;

// What create is given. Borrowed for the call, `host` for the life of the instance.
typedef struct GatehouseCreateArguments {  // 56 bytes
    uint32_t struct_size;
    uint32_t threads;                // budget for one call, at least 1: more running threads hurt the decoder
    const GatehouseHost *host;
    const char *configuration;       // a JSON object; "{}" where the operator gave none
    uint64_t configuration_size;
    const char *weights;             // absolute path of a file or folder, or NULL
    const char *cache_folder;        // absolute path of a writable folder that may be emptied, or NULL
    const GatehouseDecoder *decoder; // NULL when the plugin is run alone
} GatehouseCreateArguments;

// Flags of a descriptor.
enum {
    GATEHOUSE_REENTRANT = 1,      // encode may be called again on an instance while it runs
    GATEHOUSE_SAFE_TO_CLOSE = 2,  // dlclose leaves nothing behind; never true for a library written in Swift
    GATEHOUSE_NEEDS_WEIGHTS = 4,  // create fails without weights
};

// What one plugin of the library is. Constant, and known without weights.
typedef struct GatehouseDescriptor {  // 88 bytes
    uint32_t struct_size;
    uint32_t flags;
    const char *id;               // unique in the library: lower case letters, digits, '-'; "screen-text"
    const char *name;             // for people
    const char *vendor;
    const char *version;          // semantic version
    const char *license;          // SPDX expression
    const char *modality;         // "image", "audio", or the author's own word
    const char *media_types;      // accepted types, separated by one space: "image/png image/jpeg"
    uint32_t output_kinds;        // GATEHOUSE_OUTPUT_ bits it may make
    uint32_t most_instances;      // in one process at once; 0: no bound
    const char *configuration_schema;  // JSON Schema of the configuration, or NULL
    const char *weights_manifest;      // JSON: the files it expects in its folder of weights, or NULL
} GatehouseDescriptor;

// The block that a library hands out. Its first five fields are checked before anything else is called.
typedef struct GatehouseEntry {  // 88 bytes
    uint64_t magic;               // GATEHOUSE_MAGIC
    uint32_t struct_size;
    uint32_t abi_major;           // GATEHOUSE_ABI_MAJOR
    uint32_t abi_minor;           // GATEHOUSE_ABI_MINOR
    uint32_t reserved;
    const char *toolchain;        // what built it: "swift 6.3.1 dynamic", "gcc 12.2.0"
    void *ctx;

    // Prepares the library, in under 100 ms and without reading weights. May be called again after finalize, or
    // again before it: calls nest, and the last finalize counts. [scan]
    GatehouseStatus (*initialize)(void *ctx, const GatehouseHost *host);

    // Undoes initialize; joins every thread of the library. [scan]
    void (*finalize)(void *ctx);

    // How many plugins the library holds, and each of them; NULL from `plugin` past the end. [scan]
    uint32_t (*plugin_count)(void *ctx);
    const GatehouseDescriptor *(*plugin)(void *ctx, uint32_t index);

    // Makes an instance of the plugin `id`: loads weights, checks the configuration. The instance's struct belongs
    // to the plugin and lives until its destroy returns. [any]
    GatehouseStatus (*create)(
        void *ctx, const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *job,
        const GatehouseInstance **instance);

    // [optional] A further ability of the library by id, or NULL. [any]
    const void *(*extension)(void *ctx, const char *id);
} GatehouseEntry;

// The one symbol a plugin exports. Returns the same pointer every time, quickly, and does nothing else. [any]
__attribute__((visibility("default"), returns_nonnull)) const GatehouseEntry *gatehouse_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif
