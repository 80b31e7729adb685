// What a text is like, in one line.

#ifndef SUMMARY_H
#define SUMMARY_H

#include <stddef.h>
#include <stdint.h>

typedef struct Summary {
    uint64_t lines;
    uint64_t words;
    uint64_t longest;  // bytes of the longest line
} Summary;

// Any bytes will do.
Summary summarize(const uint8_t *text, uint64_t size);

// Writes at most `capacity` bytes with the final NUL; returns how many without it.
size_t summary_write(const Summary *summary, char *out, size_t capacity);

#endif
