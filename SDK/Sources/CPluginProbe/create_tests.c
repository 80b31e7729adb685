// Making an instance: what it is given, what it hands out, how it refuses.

#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guarded.h"
#include "tests.h"

// Fails unless a refusal came with a message.
static void expect_words(const Host *host, GatehouseStatus status, const char *what) {
    uint32_t unfinished;
    uint64_t length = strlen(host->error);
    if (!atomic_load(&host->errors) || !length) fail("%s gave %s without a word of why", what, status_name(status));
    if (!is_utf8((const unsigned char *)host->error, length, &unfinished)) fail("%s gave a message that is not UTF-8", what);
}

// Creates, and destroys what was made.
static GatehouseStatus try(Rig *rig, Creation *creation, Subject *subject) {
    GatehouseStatus status = rig_create(rig, creation, subject);
    if (status < 0 || status > GATEHOUSE_FAILED) fail("create returned %s", status_name(status));
    if (status == GATEHOUSE_OK) rig_destroy(subject);
    return status;
}

static void creates(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    if ((rig.descriptor->flags & GATEHOUSE_NEEDS_WEIGHTS) && !arguments->weights) {
        skip("it needs weights, and none were given (--weights)");
    }
    rig_instance(&rig, &subject);
    if (subject.face->reserved) fail("reserved of GatehouseInstance is %u; expected 0", subject.face->reserved);
    rig_destroy(&subject);
}

static void check_identity(const GatehouseOutputs *outputs) {
    const GatehouseDecoderIdentity *identity = outputs->decoder;
    if (!identity) fail("it makes rows and names no decoder");
    if (identity->struct_size != sizeof *identity) fail("struct_size of its decoder identity is %u", identity->struct_size);
    if (!identity->family || !*identity->family || !identity->fingerprint) fail("its decoder identity lacks family or fingerprint");
    if (identity->hidden != outputs->width) {
        fail("rows are %u wide, but the decoder's hidden size is %u", outputs->width, identity->hidden);
    }
    for (int i = 0; i < 64 * 8; i++) {
        if (!isfinite(identity->fingerprint[i])) fail("the fingerprint of its decoder holds NaN or infinity");
    }
}

static void describes(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    const GatehouseOutputs *outputs = &subject.outputs;
    if (outputs->struct_size != sizeof *outputs) {
        fail("struct_size of GatehouseOutputs is %u; expected %zu", outputs->struct_size, sizeof *outputs);
    }
    if (!outputs->kinds || outputs->kinds & ~rig.descriptor->output_kinds) {
        fail("kinds is %u; the descriptor allows the bits %u", outputs->kinds, rig.descriptor->output_kinds);
    }
    if (outputs->element_type > GATEHOUSE_BFLOAT16) fail("element_type is %u", outputs->element_type);
    int makes_rows = (outputs->kinds & GATEHOUSE_OUTPUT_ROWS) != 0;
    if (makes_rows) check_identity(outputs);
    if (!makes_rows && outputs->width) fail("it makes no rows, but says that they are %u wide", outputs->width);
    GatehouseOutputs again;
    memset(&again, 0xA5, sizeof again);
    if (subject.face->describe(subject.face->ctx, &again) != GATEHOUSE_OK) fail("a second describe was refused");
    if (memcmp(&again, outputs, sizeof again)) fail("a second describe said something else");
}

static void wrong_id(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    static const char *const ids[] = {"no-such-plugin", ""};
    for (int i = 0; i < 2; i++) {
        Creation creation = {.id = ids[i]};
        GatehouseStatus status = try(&rig, &creation, &subject);
        if (status != GATEHOUSE_UNSUPPORTED) {
            fail("create of the id \"%s\" gave %s; expected UNSUPPORTED", ids[i], status_name(status));
        }
        expect_words(&subject.host, status, "an unknown id");
    }
}

static void reads_within(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    rig.is_guarded = 1;
    rig_instance(&rig, &subject);
    rig_destroy(&subject);
}

static void borrowed_arguments(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    Guarded text = guarded_copy(arguments->configuration, arguments->configuration_size);
    Creation creation = {.configuration = text.data, .configuration_size = text.size};
    if (rig_create(&rig, &creation, &subject) != GATEHOUSE_OK) {
        fail("create returned %s%s", status_name(creation.status), rig_words(&subject.host));
    }
    guarded_forbid(&text);
    if (subject.face->describe(subject.face->ctx, &subject.outputs) != GATEHOUSE_OK) fail("describe was refused");
    rig_destroy(&subject);
}

static GatehouseStatus configure(Rig *rig, Subject *subject, const char *text, size_t size) {
    Creation creation = {.configuration = text, .configuration_size = size};
    return try(rig, &creation, subject);
}

static void configuration_default(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    if (strcmp(arguments->configuration, "{}")) skip("a configuration was given (--config)");
    static const char *const texts[] = {"{}", " { \n} "};
    for (int i = 0; i < 2; i++) {
        GatehouseStatus status = configure(&rig, &subject, texts[i], strlen(texts[i]));
        if (status != GATEHOUSE_OK) fail("create with an empty object gave %s%s", status_name(status), rig_words(&subject.host));
    }
}

static void configuration_malformed(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    static const char *const texts[] = {"", "{", "[1]", "nonsense", "{\"a\":}", "{\"a\" 1}", "\"text", "{\"\xFF\":1}", "{}x"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        GatehouseStatus status = configure(&rig, &subject, texts[i], strlen(texts[i]));
        // Without a schema it has no configuration, and need not read it.
        if (status == GATEHOUSE_OK && !rig.descriptor->configuration_schema) continue;
        if (status != GATEHOUSE_BAD_CONFIGURATION) {
            fail("create with the configuration '%s' gave %s; expected BAD_CONFIGURATION", texts[i], status_name(status));
        }
        expect_words(&subject.host, status, "a malformed configuration");
    }
}

static void configuration_deep(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    enum { DEPTH = 200000 };
    char *text = malloc(DEPTH * 6);
    if (!text) skip("the checker has no memory");
    size_t size = 0;
    for (int i = 0; i < DEPTH; i++, size += 5) memcpy(text + size, "{\"a\":", 5);
    text[size++] = '1';
    for (int i = 0; i < DEPTH; i++) text[size++] = '}';
    GatehouseStatus status = configure(&rig, &subject, text, size);
    if (status != GATEHOUSE_OK && status != GATEHOUSE_BAD_CONFIGURATION) {
        fail("a configuration of %d levels gave %s; expected BAD_CONFIGURATION", DEPTH, status_name(status));
    }
    free(text);
}

static void configuration_unknown(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    static const char text[] = "{\"gatehouse_unknown_key\": 1}";
    GatehouseStatus status = configure(&rig, &subject, text, sizeof text - 1);
    const char *schema = rig.descriptor->configuration_schema;
    if (!schema) {
        if (status != GATEHOUSE_OK && status != GATEHOUSE_BAD_CONFIGURATION) fail("an unknown key gave %s", status_name(status));
        return;
    }
    if (status != GATEHOUSE_BAD_CONFIGURATION) {
        fail("the unknown key gatehouse_unknown_key gave %s; expected BAD_CONFIGURATION", status_name(status));
    }
    if (!strstr(subject.host.error, "gatehouse_unknown_key")) {
        fail("the message does not name the unknown key%s", rig_words(&subject.host));
    }
}

static void create_cancelled(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    for (uint32_t poll = 1; poll <= 2; poll++) {
        Creation creation = {.cancel_at = poll};
        GatehouseStatus status = try(&rig, &creation, &subject);
        if (status != GATEHOUSE_OK && status != GATEHOUSE_CANCELLED) {
            fail("create with a job that is cancelled gave %s; expected CANCELLED", status_name(status));
        }
    }
    rig_instance(&rig, &subject);
    rig_destroy(&subject);
}

static void create_alone(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    Creation creation = {.without_decoder = 1};
    GatehouseStatus status = try(&rig, &creation, &subject);
    if (status != GATEHOUSE_OK && status != GATEHOUSE_UNSUPPORTED) {
        fail("create without a decoder gave %s; expected OK, or UNSUPPORTED where it cannot be run alone",
             status_name(status));
    }
    if (status != GATEHOUSE_OK) expect_words(&subject.host, status, "create without a decoder");
}

static void create_cache(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    char folder[] = "/tmp/gatehouse-cache-XXXXXX";
    if (!mkdtemp(folder)) skip("no folder could be made in /tmp");
    Creation creation = {.cache = folder};
    GatehouseStatus status = rig_create(&rig, &creation, &subject);
    rig_destroy(&subject);
    // Only an empty one: what the plugin left there is its own.
    if (rmdir(folder) && errno != ENOTEMPTY) fail("it removed its cache folder");
    if (status != GATEHOUSE_OK) fail("create with a cache folder gave %s%s", status_name(status), rig_words(&subject.host));
}

static void instance_extension(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    rig_instance(&rig, &subject);
    if (subject.face->extension && subject.face->extension(subject.face->ctx, "org.example.unknown/1")) {
        fail("extension(\"org.example.unknown/1\") is not NULL");
    }
    rig_destroy(&subject);
}

#define OF_PLUGIN(id, promise, mend, after, needs, run) {{id, promise, mend, after, PROBE_OF_PLUGIN, needs}, run}

const Test create_tests[] = {
    OF_PLUGIN("create", "create makes an instance", "The message says what create missed; see GatehouseCreateArguments.",
              "descriptors", 0, creates),
    OF_PLUGIN("describe", "describe keeps to the descriptor",
              "Fill every field of GatehouseOutputs: kinds within output_kinds, width and decoder only with rows.", "create",
              0, describes),
    OF_PLUGIN("wrong-id", "refuses an id that it does not hold",
              "Compare id with your own in create, call set_error, return UNSUPPORTED.", "create", 0, wrong_id),
    OF_PLUGIN("create-within", "create reads no further than the structs reach",
              "Read fields of the structs only, never bytes behind them; copy no larger struct.", "create", 0, reads_within),
    OF_PLUGIN("configuration-borrowed", "reads the configuration by its size, and not after create",
              "Use configuration_size, not strlen, and copy what is needed later.", "create", 0, borrowed_arguments),
    OF_PLUGIN("configuration-default", "an empty configuration will do",
              "Give every key of the configuration a default.", "create", 0, configuration_default),
    OF_PLUGIN("configuration-malformed", "refuses a configuration that is no JSON object",
              "Return BAD_CONFIGURATION after set_error said what was expected.", "create", 0, configuration_malformed),
    OF_PLUGIN("configuration-deep", "survives a configuration of 200,000 levels",
              "Bound the depth of the JSON reader: recursion ends with the stack.", "create", 0, configuration_deep),
    OF_PLUGIN("configuration-unknown", "names a key that it does not know",
              "Refuse unknown keys with BAD_CONFIGURATION and their name, or hand out no schema.", "create", 0,
              configuration_unknown),
    OF_PLUGIN("create-cancelled", "create may be cancelled",
              "Return CANCELLED, free what was made, leave *instance alone.", "create", 0, create_cancelled),
    OF_PLUGIN("create-alone", "runs without a decoder, or says that it cannot",
              "Look whether arguments->decoder is NULL before reading it.", "create", 0, create_alone),
    OF_PLUGIN("create-cache", "takes a cache folder", "Treat the cache folder as a place that may be empty.", "create", 0,
              create_cache),
    OF_PLUGIN("instance-extension", "answers unknown extensions of an instance with NULL",
              "Compare the id with those you know and return NULL for every other.", "create", 0, instance_extension),
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
