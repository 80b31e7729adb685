// Weights that are missing or damaged: refused with NO_WEIGHTS, and with the name of the file.

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests.h"

static void expect_refusal(Rig *rig, Creation *creation, const char *what, const char *name) {
    Subject subject;
    GatehouseStatus status = rig_create(rig, creation, &subject);
    if (status != GATEHOUSE_NO_WEIGHTS) fail("%s gave %s; expected NO_WEIGHTS", what, status_name(status));
    if (name && !strstr(subject.host.error, name)) {
        fail("%s: the message does not name %s%s", what, name, rig_words(&subject.host));
    }
}

static void weights_needed(const ProbeArguments *arguments) {
    Rig rig;
    rig_start(&rig, arguments);
    Creation creation = {.without_weights = 1};
    if (rig.descriptor->flags & GATEHOUSE_NEEDS_WEIGHTS) {
        expect_refusal(&rig, &creation, "create without weights", NULL);
        return;
    }
    Subject subject;
    GatehouseStatus status = rig_create(&rig, &creation, &subject);
    // Why else create may fail is not this test's question.
    if (status == GATEHOUSE_NO_WEIGHTS) {
        fail("create without weights gave NO_WEIGHTS, and the descriptor does not say GATEHOUSE_NEEDS_WEIGHTS%s",
             rig_words(&subject.host));
    }
    rig_destroy(&subject);
}

static void weights_absent(const ProbeArguments *arguments) {
    Rig rig;
    Subject subject;
    rig_start(&rig, arguments);
    Creation creation = {.weights = "/nonexistent/weights"};
    if (rig.descriptor->flags & GATEHOUSE_NEEDS_WEIGHTS) {
        expect_refusal(&rig, &creation, "create with a path where nothing is", "/nonexistent/weights");
        return;
    }
    GatehouseStatus status = rig_create(&rig, &creation, &subject);
    if (status == GATEHOUSE_NO_WEIGHTS && !strstr(subject.host.error, creation.weights)) {
        fail("the message does not name %s%s", creation.weights, rig_words(&subject.host));
    }
    rig_destroy(&subject);
}

// The largest file of the weights: the path itself, or a file right inside the folder.
static int find_largest(const char *weights, char path[PATH_MAX], off_t *size) {
    struct stat facts;
    if (stat(weights, &facts)) return 0;
    if (S_ISREG(facts.st_mode)) {
        snprintf(path, PATH_MAX, "%s", weights);
        *size = facts.st_size;
        return 1;
    }
    DIR *folder = opendir(weights);
    *size = -1;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char file[PATH_MAX];
        if (snprintf(file, sizeof file, "%s/%s", weights, entry->d_name) >= (int)sizeof file) continue;
        if (!stat(file, &facts) && S_ISREG(facts.st_mode) && facts.st_size > *size) {
            memcpy(path, file, sizeof file);
            *size = facts.st_size;
        }
    }
    if (folder) closedir(folder);
    return *size > 0;
}

// Writes `size` bytes to `target`: noise, or those of `source`.
static int write_damaged(const char *source, const char *target, off_t size, int noise) {
    FILE *from = fopen(source, "rb"), *to = fopen(target, "wb");
    unsigned char block[1 << 16];
    uint64_t state = 1;
    while (from && to && size > 0) {
        size_t count = size < (off_t)sizeof block ? (size_t)size : sizeof block;
        if (fread(block, 1, count, from) != count) break;
        // Knuth's MMIX generator; its high bits.
        for (size_t i = 0; noise && i < count; i++) {
            block[i] = (unsigned char)((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
        }
        if (fwrite(block, 1, count, to) != count) break;
        size -= (off_t)count;
    }
    if (from) fclose(from);
    return to && !fclose(to) && size == 0;
}

static void remove_folder(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (entry->d_type != DT_DIR) unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder) closedir(folder);
    rmdir(path);
}

// A copy of the weights by links, with the largest file cut to `keep` or made noise.
static void damaged(const ProbeArguments *arguments, int noise) {
    Rig rig;
    Subject subject;
    char largest[PATH_MAX], folder[] = "/tmp/gatehouse-weights-XXXXXX", target[PATH_MAX];
    off_t size;
    rig_start(&rig, arguments);
    if (!find_largest(arguments->weights, largest, &size)) skip("--weights holds no file");
    if (!mkdtemp(folder)) skip("no folder could be made in /tmp");
    const char *name = strrchr(largest, '/') ? strrchr(largest, '/') + 1 : largest;
    struct stat facts;
    int is_folder = !stat(arguments->weights, &facts) && S_ISDIR(facts.st_mode);
    DIR *original = is_folder ? opendir(arguments->weights) : NULL;
    for (struct dirent *entry; original && (entry = readdir(original));) {
        char from[PATH_MAX];
        if (entry->d_name[0] == '.' || !strcmp(entry->d_name, name)) continue;
        if (snprintf(from, sizeof from, "%s/%s", arguments->weights, entry->d_name) >= (int)sizeof from
            || snprintf(target, sizeof target, "%s/%s", folder, entry->d_name) >= (int)sizeof target
            || symlink(from, target)) {
            continue;
        }
    }
    if (original) closedir(original);
    if (snprintf(target, sizeof target, "%s/%s", folder, name) >= (int)sizeof target) skip("the path is too long");
    // Enough for any header, and little to write.
    enum { MOST = 64 << 20 };
    off_t keep = noise ? (size < MOST ? size : MOST) : (size / 2 < MOST ? size / 2 : MOST);
    if (!write_damaged(largest, target, keep, noise)) {
        remove_folder(folder);
        skip("a damaged copy could not be written to /tmp");
    }
    Creation creation = {.weights = is_folder ? folder : target};
    GatehouseStatus status = rig_create(&rig, &creation, &subject);
    remove_folder(folder);
    const char *what = noise ? "made of noise" : "cut in half";
    if (status != GATEHOUSE_NO_WEIGHTS) fail("%s %s gave %s; expected NO_WEIGHTS", name, what, status_name(status));
    if (!strstr(subject.host.error, name)) fail("the message does not name the damaged %s%s", name, rig_words(&subject.host));
}

static void weights_cut(const ProbeArguments *arguments) {
    damaged(arguments, 0);
}

static void weights_noise(const ProbeArguments *arguments) {
    damaged(arguments, 1);
}

static const char mend[] = "Check that the file is there and whole, then return NO_WEIGHTS with its name in set_error.";

const Test weights_tests[] = {
    {{"weights-needed", "says truly whether it needs weights",
      "Set GATEHOUSE_NEEDS_WEIGHTS where create fails without, and return NO_WEIGHTS.", "descriptors", PROBE_OF_PLUGIN, 0},
     weights_needed},
    {{"weights-absent", "refuses weights that are not there", mend, "descriptors", PROBE_OF_PLUGIN, 0}, weights_absent},
    {{"weights-cut", "refuses a weights file that is cut, by name", mend, "create", PROBE_OF_PLUGIN, PROBE_NEEDS_WEIGHTS},
     weights_cut},
    {{"weights-noise", "refuses a weights file of noise, by name", mend, "create", PROBE_OF_PLUGIN, PROBE_NEEDS_WEIGHTS},
     weights_noise},
    {{NULL, NULL, NULL, NULL, 0, 0}, NULL},
};
