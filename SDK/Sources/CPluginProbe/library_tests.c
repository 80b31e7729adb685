// The library as a whole: its file, its entry block, its descriptors.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf_image.h"
#include "tests.h"

static const char symbol[] = "gatehouse_plugin_entry";

static void library_opens(const ProbeArguments *arguments) {
    elf_open(arguments->library);
    if (!dlopen(arguments->library, RTLD_NOW | RTLD_LOCAL)) fail("dlopen refused it: %s", dlerror());
}

static void one_symbol(const ProbeArguments *arguments) {
    ElfImage image = elf_open(arguments->library);
    if (!elf_exports(&image, symbol)) fail("it does not export %s", symbol);
    const char *other = elf_other_export(&image, symbol);
    if (other) fail("it exports %s beside %s", other, symbol);
}

static void run_path(const ProbeArguments *arguments) {
    ElfImage image = elf_open(arguments->library);
    const char *path = elf_run_path(&image);
    for (const char *part = path; part && *part;) {
        const char *end = strchrnul(part, ':');
        if (strncmp(part, "$ORIGIN", 7) && strncmp(part, "${ORIGIN}", 9)) {
            fail("it carries the run path %.*s of the machine that built it", (int)(end - part), part);
        }
        part = *end ? end + 1 : end;
    }
}

static void entry_block(const ProbeArguments *arguments) {
    Rig rig;
    rig_open(&rig, arguments);
    if (rig.entry->reserved) fail("reserved of GatehouseEntry is %u; expected 0", rig.entry->reserved);
    if (!rig.entry->toolchain || !*rig.entry->toolchain) fail("toolchain is empty");
}

static void *call_entry(void *function) {
    return (void *)((const GatehouseEntry *(*)(void))function)();
}

static void entry_same(const ProbeArguments *arguments) {
    Rig rig;
    rig_open(&rig, arguments);
    void *function = dlsym(rig.handle, symbol), *other = NULL;
    pthread_t thread;
    if (call_entry(function) != rig.entry) fail("a second call returned another pointer");
    if (pthread_create(&thread, NULL, call_entry, function)) skip("no thread could be started");
    pthread_join(thread, &other);
    if (other != rig.entry) fail("a call from another thread returned another pointer");
}

static void scan_fast(const ProbeArguments *arguments) {
    Rig rig;
    rig_open(&rig, arguments);
    const GatehouseEntry *entry = rig.entry;
    double milliseconds = 1e9;
    // The fastest of three, since the machine may be busy with something else.
    for (int round = 0; round < 3; round++) {
        double start = seconds_now();
        if (entry->initialize(entry->ctx, &rig.host.face) != GATEHOUSE_OK) fail("initialize was refused");
        uint32_t count = entry->plugin_count(entry->ctx);
        for (uint32_t i = 0; i < count; i++) entry->plugin(entry->ctx, i);
        double took = (seconds_now() - start) * 1e3;
        if (took < milliseconds) milliseconds = took;
        entry->finalize(entry->ctx);
    }
    if (milliseconds > 100) fail("initialize and reading the descriptors took %.0f ms; expected under 100", milliseconds);
}

static void initialize_nests(const ProbeArguments *arguments) {
    Rig rig;
    rig_start(&rig, arguments);
    const GatehouseEntry *entry = rig.entry;
    uint32_t count = entry->plugin_count(entry->ctx);
    for (int round = 0; round < 2; round++) {
        if (entry->initialize(entry->ctx, &rig.host.face) != GATEHOUSE_OK) fail("a second initialize was refused");
        if (entry->plugin_count(entry->ctx) != count) {
            fail("a second initialize changed the number of plugins to %u", entry->plugin_count(entry->ctx));
        }
        entry->finalize(entry->ctx);
        if (entry->plugin_count(entry->ctx) != count || (count && !entry->plugin(entry->ctx, 0))) {
            fail("its descriptors are gone after the first of two finalize");
        }
        entry->finalize(entry->ctx);
        if (entry->initialize(entry->ctx, &rig.host.face) != GATEHOUSE_OK) fail("initialize after finalize was refused");
        if (entry->plugin_count(entry->ctx) != count) fail("initialize after finalize changed the number of plugins");
    }
}

static void check_words(const char *field, const char *text, int may_be_empty) {
    uint32_t unfinished;
    if (!is_utf8((const unsigned char *)text, strlen(text), &unfinished) || unfinished) fail("%s is not UTF-8", field);
    if (!*text && !may_be_empty) fail("%s is empty", field);
}

// semver.org, without the rules for what follows the three numbers.
static int is_semantic_version(const char *text) {
    for (int i = 0; i < 3; i++) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || (digits > 1 && *text == '0')) return 0;
        text += digits;
        if (i < 2 && *text++ != '.') return 0;
    }
    return *text == 0 || *text == '-' || *text == '+';
}

// RFC 6838: type/subtype, here in lower case.
static void check_media_types(const char *types) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+/*";
    for (const char *type = types;; type++) {
        size_t length = strcspn(type, " ");
        const char *slash = memchr(type, '/', length);
        if (strspn(type, allowed) < length || !slash || slash == type || slash == type + length - 1) {
            fail("media_types holds \"%.*s\"; expected lower-case types separated by one space", (int)length, type);
        }
        type += length;
        if (!*type) return;
    }
}

static void check_descriptor(const GatehouseDescriptor *descriptor, uint32_t index) {
    if (!descriptor) fail("plugin(%u) is NULL", index);
    if (descriptor->struct_size != sizeof *descriptor) {
        fail("struct_size of descriptor %u is %u; expected %zu", index, descriptor->struct_size, sizeof *descriptor);
    }
    if (!gatehouse_check_descriptor(descriptor)) fail("a string of descriptor %u is NULL", index);
    if (!*descriptor->id || strspn(descriptor->id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(descriptor->id)) {
        fail("id \"%s\" has other characters than lower-case letters, digits and '-'", descriptor->id);
    }
    check_words("name", descriptor->name, 0);
    check_words("vendor", descriptor->vendor, 1);
    check_words("license", descriptor->license, 0);
    check_words("modality", descriptor->modality, 0);
    if (!is_semantic_version(descriptor->version)) fail("version \"%s\" is not like 1.2.3", descriptor->version);
    check_media_types(descriptor->media_types);
    uint32_t kinds = GATEHOUSE_OUTPUT_TEXT | GATEHOUSE_OUTPUT_SOFT | GATEHOUSE_OUTPUT_ROWS;
    if (!descriptor->output_kinds || descriptor->output_kinds & ~kinds) {
        fail("output_kinds is %u; expected some of the bits %u", descriptor->output_kinds, kinds);
    }
    uint32_t flags = GATEHOUSE_REENTRANT | GATEHOUSE_SAFE_TO_CLOSE | GATEHOUSE_NEEDS_WEIGHTS;
    if (descriptor->flags & ~flags) fail("flags is %u; this ABI knows the bits %u", descriptor->flags, flags);
}

static void descriptors(const ProbeArguments *arguments) {
    Rig rig;
    rig_start(&rig, arguments);
    uint32_t count = rig.entry->plugin_count(rig.entry->ctx);
    if (!count) fail("it holds no plugin");
    for (uint32_t i = 0; i < count; i++) check_descriptor(rig.entry->plugin(rig.entry->ctx, i), i);
}

static void ids_unique(const ProbeArguments *arguments) {
    Rig rig;
    rig_start(&rig, arguments);
    uint32_t count = rig.entry->plugin_count(rig.entry->ctx);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            const char *id = rig.entry->plugin(rig.entry->ctx, i)->id;
            if (!strcmp(id, rig.entry->plugin(rig.entry->ctx, j)->id)) fail("two plugins have the id %s", id);
        }
    }
}

static void past_the_end(const ProbeArguments *arguments) {
    Rig rig;
    rig_start(&rig, arguments);
    uint32_t count = rig.entry->plugin_count(rig.entry->ctx);
    if (rig.entry->plugin(rig.entry->ctx, count)) fail("plugin(%u) of %u is not NULL", count, count);
    if (rig.entry->plugin(rig.entry->ctx, UINT32_MAX)) fail("plugin(UINT32_MAX) is not NULL");
}

static void add(uint64_t *digest, const char *text) {
    for (; text && *text; text++) *digest = (*digest ^ (unsigned char)*text) * 0x100000001b3u;
    *digest = (*digest ^ 0xFF) * 0x100000001b3u;
}

static uint64_t digest_of_descriptors(const ProbeArguments *arguments) {
    Rig rig;
    uint64_t digest = 0xcbf29ce484222325u;
    rig_start(&rig, arguments);
    uint32_t count = rig.entry->plugin_count(rig.entry->ctx);
    for (uint32_t i = 0; i < count; i++) {
        const GatehouseDescriptor *it = rig.entry->plugin(rig.entry->ctx, i);
        const char *const texts[] = {it->id, it->name, it->vendor, it->version, it->license, it->modality,
                                     it->media_types, it->configuration_schema, it->weights_manifest};
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) add(&digest, texts[j]);
        digest ^= (uint64_t)it->flags << 32 ^ (uint64_t)it->output_kinds << 16 ^ it->most_instances;
    }
    return digest;
}

static void descriptors_constant(const ProbeArguments *arguments) {
    int ends[2];
    if (pipe(ends)) skip("no pipe could be made");
    // Before this process opens the library, so that the other one starts as fresh.
    pid_t child = fork();
    if (child < 0) skip("no process could be started");
    if (child == 0) {
        verdict_to(-1);
        uint64_t digest = digest_of_descriptors(arguments);
        _exit(write(ends[1], &digest, sizeof digest) != sizeof digest);
    }
    close(ends[1]);
    uint64_t other = 0;
    ssize_t got = read(ends[0], &other, sizeof other);
    waitpid(child, NULL, 0);
    if (got != sizeof other) skip("the second process gave no answer");
    if (digest_of_descriptors(arguments) != other) fail("two processes saw different descriptors");
}

static void json_texts(const ProbeArguments *arguments) {
    Rig rig;
    rig_start(&rig, arguments);
    uint32_t count = rig.entry->plugin_count(rig.entry->ctx);
    for (uint32_t i = 0; i < count; i++) {
        const GatehouseDescriptor *it = rig.entry->plugin(rig.entry->ctx, i);
        if (it->configuration_schema && !is_json(it->configuration_schema, strlen(it->configuration_schema))) {
            fail("configuration_schema of %s is not JSON", it->id);
        }
        if (it->weights_manifest && !is_json(it->weights_manifest, strlen(it->weights_manifest))) {
            fail("weights_manifest of %s is not JSON", it->id);
        }
    }
}

static void extension(const ProbeArguments *arguments) {
    Rig rig;
    rig_start(&rig, arguments);
    if (!rig.entry->extension) return;
    static const char *const ids[] = {"org.example.unknown/1", "", "gatehouse.unknown/4294967295"};
    for (int i = 0; i < 3; i++) {
        if (rig.entry->extension(rig.entry->ctx, ids[i])) fail("extension(\"%s\") is not NULL", ids[i]);
    }
}

static void closes(const ProbeArguments *arguments) {
    Rig rig;
    rig_start(&rig, arguments);
    uint32_t count = rig.entry->plugin_count(rig.entry->ctx), safe = 0;
    for (uint32_t i = 0; i < count; i++) {
        safe += (rig.entry->plugin(rig.entry->ctx, i)->flags & GATEHOUSE_SAFE_TO_CLOSE) != 0;
    }
    if (!safe) skip("no plugin of it declares GATEHOUSE_SAFE_TO_CLOSE");
    if (!strncmp(rig.entry->toolchain, "swift", 5)) fail("a library written in Swift is never safe to close");
    for (int round = 0; round < 3; round++) {
        rig.entry->finalize(rig.entry->ctx);
        if (dlclose(rig.handle)) fail("dlclose failed: %s", dlerror());
        sleep_seconds(0.02);
        rig_start(&rig, arguments);
    }
}

const Test library_tests[] = {
    {{"opens", "opens with RTLD_NOW | RTLD_LOCAL",
      "Link every library that it uses, and with -Wl,-z,defs, so that the linker names what is missing.", NULL,
      PROBE_OF_LIBRARY, 0},
     library_opens},
    {{"one-symbol", "exports gatehouse_plugin_entry and nothing else",
      "Compile with -fvisibility=hidden and link with -Wl,--version-script=exports.map; in Swift make the function public.",
      "opens", PROBE_OF_LIBRARY, 0},
     one_symbol},
    {{"run-path", "carries no run path but $ORIGIN",
      "Link without -rpath; in Swift with -no-toolchain-stdlib-rpath.", "opens", PROBE_OF_LIBRARY, 0},
     run_path},
    {{"entry-block", "the entry block is as gatehouse.h says",
      "Set magic, struct_size, versions, toolchain and every function; reserved is 0.", "opens", PROBE_OF_LIBRARY, 0},
     entry_block},
    {{"entry-same", "hands out the same entry every time", "Return the address of one static GatehouseEntry.",
      "entry-block", PROBE_OF_LIBRARY, 0},
     entry_same},
    {{"scan-fast", "initialize and descriptors take under 100 ms",
      "Move what is slow from initialize to create, and read no weights before.", "entry-block", PROBE_OF_LIBRARY, 0},
     scan_fast},
    {{"descriptors", "every descriptor is whole and well formed",
      "Fill the descriptor as the comments of GatehouseDescriptor say.", "entry-block", PROBE_OF_LIBRARY, 0},
     descriptors},
    {{"initialize-nests", "initialize and finalize nest and may be repeated",
      "Count the calls of initialize, and undo only at the last finalize.", "descriptors", PROBE_OF_LIBRARY, 0},
     initialize_nests},
    {{"ids-unique", "no two plugins share an id", "Give each plugin of the library an id of its own.", "descriptors",
      PROBE_OF_LIBRARY, 0},
     ids_unique},
    {{"past-the-end", "plugin() past the end is NULL", "Compare the index with plugin_count.", "descriptors",
      PROBE_OF_LIBRARY, 0},
     past_the_end},
    {{"descriptors-constant", "descriptors are the same in every process",
      "Make descriptors constant: no time, path or environment in them.", "descriptors", PROBE_OF_LIBRARY, 0},
     descriptors_constant},
    {{"schema-json", "configuration schema and weights manifest are JSON",
      "Run both texts through a JSON parser.", "descriptors", PROBE_OF_LIBRARY, 0},
     json_texts},
    {{"library-extension", "answers unknown extensions of the library with NULL",
      "Compare the id with those you know and return NULL for every other.", "entry-block", PROBE_OF_LIBRARY, 0},
     extension},
    {{"closes", "can be closed and opened again, where it says so",
      "Take GATEHOUSE_SAFE_TO_CLOSE from the flags, or end threads and handlers in finalize.", "descriptors",
      PROBE_OF_LIBRARY, 0},
     closes},
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
