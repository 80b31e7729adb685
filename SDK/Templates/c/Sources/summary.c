#include "summary.h"

#include <inttypes.h>
#include <stdio.h>

static int is_space(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

Summary summarize(const uint8_t *text, uint64_t size) {
    Summary summary = {0};
    uint64_t length = 0;
    int in_word = 0;
    for (uint64_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            summary.lines++;
            length = 0;
        } else if (++length > summary.longest) {
            summary.longest = length;
        }
        if (!is_space(text[i]) && !in_word) summary.words++;
        in_word = !is_space(text[i]);
    }
    // A last line without a line end is a line too.
    if (length > 0) summary.lines++;
    return summary;
}

size_t summary_write(const Summary *summary, char *out, size_t capacity) {
    int length = snprintf(out, capacity, "%" PRIu64 " lines, %" PRIu64 " words, longest line %" PRIu64 " bytes",
                          summary->lines, summary->words, summary->longest);
    return length < 0 ? 0 : (size_t)length < capacity ? (size_t)length : capacity - 1;
}
