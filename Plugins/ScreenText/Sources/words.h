// Words as they were recognised, and the line that they make once icons read as words are taken away.

#ifndef SCREEN_TEXT_WORDS_H
#define SCREEN_TEXT_WORDS_H

#include "reading.h"

typedef struct Word {
    int left, top, right, bottom;  // pixels of the page, right and bottom exclusive
    char *text;                    // UTF-8, owned, not blank
    float confidence;              // 0 … 1
} Word;

// A stretch of a line: words from left to right without a wide gap.
typedef struct Words {
    uint32_t count;
    uint32_t capacity;
    Word *words;
} Words;

// Takes over `word->text`, also on failure. False where there is no memory.
bool words_append(Words *words, const Word *word);

void words_free(Words *words);

// Drops what is no writing: doubtful scraps at either end, where icons stand, and then the whole stretch if
// nothing in it is worth reading. `minimum` is the confidence that a word must have, `least` the stretch's
// mean.
void words_drop_junk(Words *words, double minimum, double least);

// Joins the words, without spaces between Han characters, into a line that owns its text. False where there
// is no memory. `words` must not be empty.
bool words_join(const Words *words, Line *line);

#endif
