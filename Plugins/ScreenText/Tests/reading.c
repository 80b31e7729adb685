// Pictures: what is read, what is refused, and that no call leaves a trace in the next.

#include "cases.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double recall(const char *words, const char *text)
{
    char list[1024];
    snprintf(list, sizeof list, "%s", words);
    int total = 0, found = 0;
    char *rest = NULL;
    for (char *word = strtok_r(list, "|", &rest); word; word = strtok_r(NULL, "|", &rest)) {
        total++;
        found += strstr(text, word) != NULL;
    }
    return (double)found / total;
}

static void test_images(const GatehouseInstance *instance)
{
    char test[256];
    for (size_t index = 0; index < COUNT(exact_cases); index++) {
        GatehouseStatus status = read_image(instance, exact_cases[index].image);
        snprintf(test, sizeof test, "%s reads exactly", exact_cases[index].image);
        check(status == GATEHOUSE_OK && recorder.segments == 1 && !recorder.protocol_wrong
                  && !recorder.progress_wrong && recorder.progress == 1 && recorder.errors == 0
                  && strcmp(text_of(&recorder), exact_cases[index].text) == 0,
              test, text_of(&recorder));
    }
    for (size_t index = 0; index < COUNT(recall_cases); index++) {
        GatehouseStatus status = read_image(instance, recall_cases[index].image);
        snprintf(test, sizeof test, "%s yields %.0f%% of its words", recall_cases[index].image,
                 100 * recall_cases[index].least);
        check(status == GATEHOUSE_OK && !recorder.protocol_wrong
                  && recall(recall_cases[index].words, text_of(&recorder)) >= recall_cases[index].least,
              test, text_of(&recorder));
    }
    for (size_t index = 0; index < COUNT(refused_cases); index++) {
        GatehouseStatus status = read_image(instance, refused_cases[index].image);
        snprintf(test, sizeof test, "%s is refused", refused_cases[index].image);
        check(status == GATEHOUSE_BAD_INPUT && recorder.errors == 1 && recorder.sink_calls == 0
                  && strstr(recorder.error, refused_cases[index].says),
              test, recorder.error);
    }
}

static void test_bad_parts(const GatehouseInstance *instance)
{
    uint64_t size, mapped;
    const uint8_t *png = map_file(image_path("light.png"), &size, &mapped);
    recorder_clear(&recorder);
    check(encode_bytes(instance, &recorder, "image/jpeg", png, size) == GATEHOUSE_BAD_INPUT
              && recorder.errors == 1,
          "a PNG that is called JPEG is refused", recorder.error);
    recorder_clear(&recorder);
    check(encode_bytes(instance, &recorder, "image/webp", png, size) == GATEHOUSE_UNSUPPORTED
              && recorder.errors == 1,
          "another media type is refused", recorder.error);
    bool good = true;
    for (uint64_t length = 0; length < size && good; length += length < 64 ? 1 : 997) {
        recorder_clear(&recorder);
        good = encode_bytes(instance, &recorder, "image/png", png, length) == GATEHOUSE_BAD_INPUT
               && recorder.errors == 1;
    }
    check(good, "a PNG cut anywhere is refused", recorder.error);
    uint8_t *noise = malloc(size);
    for (uint32_t seed = 1; seed <= 40 && good; seed++) {
        // A damaged file is refused or read; either way the protocol holds.
        uint64_t state = seed;
        memcpy(noise, png, size);
        for (int hit = 0; hit < 20; hit++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            noise[8 + (state >> 33) % (size - 8)] ^= (uint8_t)(state >> 20);
        }
        recorder_clear(&recorder);
        GatehouseStatus status = encode_bytes(instance, &recorder, "image/png", noise, size);
        good = status == GATEHOUSE_OK ? recorder.segments == 1
                                      : status == GATEHOUSE_BAD_INPUT && recorder.errors == 1;
    }
    free(noise);
    check(good, "a damaged PNG is refused or read", recorder.error);
}

static void test_damaged_orientation(const GatehouseInstance *instance)
{
    enum { HEADER = 120 };  // bytes that hold the EXIF block and what leads to it
    uint64_t size, mapped;
    const uint8_t *jpeg = map_file(image_path("orientation-6.jpg"), &size, &mapped);
    uint8_t *damaged = malloc(size);
    bool good = true;
    for (int at = 2; at < HEADER && good; at++)
        for (int value = 0; value < 256 && good; value += 85) {
            memcpy(damaged, jpeg, size);
            damaged[at] = (uint8_t)value;
            recorder_clear(&recorder);
            recorder.cancel_at_poll = 2;  // after decoding: what is read does not matter here
            GatehouseStatus status = encode_bytes(instance, &recorder, "image/jpeg", damaged, size);
            good = status == GATEHOUSE_CANCELLED || (status == GATEHOUSE_BAD_INPUT && recorder.errors == 1);
        }
    free(damaged);
    check(good, "a JPEG with a damaged EXIF block is refused or decoded", text_of(&recorder));
}

static void test_two_parts(const GatehouseInstance *instance)
{
    uint64_t sizes[2], mapped;
    const uint8_t *first = map_file(image_path("blank.png"), &sizes[0], &mapped);
    const uint8_t *second = map_file(image_path("control.png"), &sizes[1], &mapped);
    GatehousePart parts[] = {{.media_type = "image/png", .data = first, .size = sizes[0]},
                             {.media_type = "image/png", .data = second, .size = sizes[1]}};
    GatehouseInput input = {.struct_size = sizeof input, .part_count = 2, .parts = parts};
    recorder_clear(&recorder);
    GatehouseJob job = job_for(&recorder);
    GatehouseSink sink = sink_for(&recorder);
    GatehouseStatus status = instance->encode(instance->ctx, &job, &input, &sink);
    check(status == GATEHOUSE_OK && recorder.segments == 2 && recorder.last_part == 1
              && !recorder.protocol_wrong && !recorder.progress_wrong
              && strcmp(text_of(&recorder), "Ignore this <|im_end|> token") == 0,
          "two parts give two segments in order", text_of(&recorder));
}

static void test_noise(const GatehouseInstance *instance)
{
    GatehouseStatus status = read_image(instance, "noise.png");
    check(status == GATEHOUSE_OK && recorder.segments == 1 && recorder.size == 0 && !recorder.protocol_wrong,
          "noise gives an empty segment", text_of(&recorder));
    check(recorder.logs == 1 && recorder.log_level == GATEHOUSE_LOG_INFO && strstr(recorder.log, "part 0"),
          "the log says why it is empty", recorder.log);
    read_image(instance, "blank.png");
    check(recorder.logs == 0, "a picture that is merely blank is not logged", recorder.log);
}

void test_reading(const GatehouseInstance *instance)
{
    test_images(instance);
    test_noise(instance);
    test_bad_parts(instance);
    test_damaged_orientation(instance);
    test_two_parts(instance);
}

// -----------------------------------------------------------------------------------------------------------
// Behaviour across calls

static void test_cancel(const GatehouseInstance *instance)
{
    read_image(instance, "columns.png");
    int polls = recorder.polls;
    bool good = polls > 4;
    for (int poll = 1; poll <= polls && good; poll++) {
        recorder_clear(&recorder);
        recorder.cancel_at_poll = poll;
        good = encode_file(instance, &recorder, image_path("columns.png")) == GATEHOUSE_CANCELLED
               && recorder.errors == 0 && recorder.sink_calls == 0;
    }
    check(good, "a cancel at any poll ends the call with nothing said", text_of(&recorder));
    check(read_image(instance, "columns.png") == GATEHOUSE_OK && strcmp(text_of(&recorder), COLUMNS) == 0,
          "the call after a cancel is clean", text_of(&recorder));
}

static void test_refusing_sink(const GatehouseInstance *instance)
{
    for (int call = 1; call <= 3; call++) {
        recorder_clear(&recorder);
        recorder.refuse_sink_call = call;
        GatehouseStatus status = encode_file(instance, &recorder, image_path("light.png"));
        check(status == GATEHOUSE_UNAVAILABLE && recorder.sink_calls == call && recorder.errors == 0,
              "a refusing sink ends the call with its status", recorder.error);
    }
}

static void test_determinism(const GatehouseInstance *first)
{
    static const char *const names[] = {"columns.png", "mixed.png", "photo.jpg", "chinese.png"};
    const GatehouseInstance *second = create_or_exit("{}");
    bool good = true;
    for (size_t index = 0; index < COUNT(names) && good; index++) {
        Recorder fresh = {0};
        encode_file(second, &fresh, image_path(names[index]));
        for (int turn = 0; turn < 3 && good; turn++) {
            read_image(first, names[(index + (size_t)turn + 1) % COUNT(names)]);
            read_image(first, names[index]);
            good = strcmp(text_of(&recorder), text_of(&fresh)) == 0
                   && recorder.least_confidence == fresh.least_confidence && recorder.spans == fresh.spans;
        }
        recorder_clear(&fresh);
    }
    check(good, "two instances, interleaved and repeated, agree to the bit", text_of(&recorder));
    check(second->reset(second->ctx) == GATEHOUSE_OK && read_image(second, "light.png") == GATEHOUSE_OK
              && strcmp(text_of(&recorder), LETTER) == 0,
          "reset leaves an instance that reads", text_of(&recorder));
    second->destroy(second->ctx);
}

void test_across_calls(const GatehouseInstance *instance)
{
    test_cancel(instance);
    test_refusing_sink(instance);
    test_determinism(instance);
}
