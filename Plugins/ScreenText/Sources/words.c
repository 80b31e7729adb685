#include "words.h"

#include <stdlib.h>
#include <string.h>

bool words_append(Words *words, const Word *word)
{
    if (words->count == words->capacity) {
        uint32_t capacity = words->capacity ? 2 * words->capacity : 16;
        Word *grown = realloc(words->words, capacity * sizeof *grown);
        if (!grown) {
            free(word->text);
            return false;
        }
        words->words = grown;
        words->capacity = capacity;
    }
    words->words[words->count++] = *word;
    return true;
}

static void keep(Words *words, uint32_t begin, uint32_t end)
{
    for (uint32_t index = 0; index < words->count; index++)
        if (index < begin || index >= end) free(words->words[index].text);
    if (begin > 0) memmove(words->words, words->words + begin, (end - begin) * sizeof *words->words);
    words->count = end - begin;
}

void words_free(Words *words)
{
    keep(words, 0, 0);
    free(words->words);
    *words = (Words){0};
}

// -----------------------------------------------------------------------------------------------------------
// Characters

// The scalar at `text`, or before it where `backwards`; Tesseract's text is valid UTF-8.
static uint32_t scalar_at(const char *text, bool backwards)
{
    const unsigned char *byte = (const unsigned char *)text;
    if (backwards) do byte--; while ((*byte & 0xC0) == 0x80);
    if (*byte < 0x80) return *byte;
    int more = *byte >= 0xF0 ? 3 : *byte >= 0xE0 ? 2 : 1;
    uint32_t scalar = *byte & (0x3F >> more);
    while (more-- > 0) scalar = scalar << 6 | (*++byte & 0x3F);
    return scalar;
}

// Characters of Chinese and Japanese writing, their punctuation and full-width forms: written without spaces.
static bool is_han(uint32_t scalar)
{
    return (scalar >= 0x2E80 && scalar <= 0x9FFF) || (scalar >= 0xF900 && scalar <= 0xFAFF)
        || (scalar >= 0xFE30 && scalar <= 0xFE4F) || (scalar >= 0xFF00 && scalar <= 0xFFEF)
        || (scalar >= 0x20000 && scalar <= 0x3FFFF);
}

// Letters and digits of any script, roughly. Not 一, which is what a line across the page is read as when
// alone.
static bool is_writing(uint32_t scalar)
{
    if (scalar < 0x80)
        return (scalar >= '0' && scalar <= '9') || ((scalar | 0x20) >= 'a' && (scalar | 0x20) <= 'z');
    bool is_punctuation = (scalar >= 0x2000 && scalar <= 0x2BFF) || (scalar >= 0x3000 && scalar <= 0x303F)
                       || (scalar >= 0xFF00 && scalar <= 0xFF0F);
    return scalar >= 0xC0 && scalar != 0x4E00 && !is_punctuation;
}

static bool has_writing(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text & 0xC0) != 0x80 && is_writing(scalar_at(text, false))) return true;
    return false;
}

static uint32_t scalar_count(const char *text)
{
    uint32_t count = 0;
    for (; *text; text++) count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

// -----------------------------------------------------------------------------------------------------------
// Junk

static double mean_confidence(const Words *words, uint32_t begin, uint32_t end)
{
    double sum = 0;
    for (uint32_t index = begin; index < end; index++) sum += words->words[index].confidence;
    return end > begin ? sum / (end - begin) : 0;
}

// Whether the word is Han and stands beside Han that is read with at least `sure`. Tesseract may give a
// character that it reads rightly, within a line that it reads rightly, next to no confidence.
static bool is_among_han(const Words *words, uint32_t index, double sure)
{
    const Word *word = &words->words[index], *before = word - 1, *after = word + 1;
    if (index > 0 && before->confidence >= sure && is_han(scalar_at(word->text, false))
        && is_han(scalar_at(before->text + strlen(before->text), true)))
        return true;
    return index + 1 < words->count && after->confidence >= sure
        && is_han(scalar_at(word->text + strlen(word->text), true)) && is_han(scalar_at(after->text, false));
}

// Confidences. A word that is sure vouches for those beside it; a stretch of a few characters must be clear,
// one of a single character very clear.
static const double SURE = 0.8, CLEAR = 0.7, VERY_CLEAR = 0.88;

// Drops each word under the operator's limit.
static void drop_doubtful(Words *words, double minimum)
{
    double sure = minimum > SURE ? minimum : SURE;
    bool *kept = calloc(words->count + 1, sizeof *kept);
    for (uint32_t index = 0; kept && index < words->count; index++)
        kept[index] = words->words[index].confidence >= minimum || is_among_han(words, index, sure);
    uint32_t count = 0;
    for (uint32_t index = 0; index < words->count; index++) {
        if (kept && kept[index])
            words->words[count++] = words->words[index];
        else
            free(words->words[index].text);
    }
    words->count = count;
    free(kept);
}

// Whether a word at an end of the stretch is an icon that was read as a word: short, and far more doubtful
// than the rest. Bullets, prices and brackets are read with the confidence of words.
static bool is_scrap(const Words *words, uint32_t index, double rest)
{
    enum { LONGEST = 3 };
    const Word *word = &words->words[index];
    if (scalar_count(word->text) > LONGEST || rest < SURE) return false;
    if (is_among_han(words, index, SURE)) return false;
    return word->confidence < (has_writing(word->text) ? 0.45 : 0.65);
}

// A scrap of a few characters, such as an icon gives, must be clear to count.
static bool is_worth_reading(const Words *words, double least)
{
    enum { FEW = 3 };
    uint32_t length = 0;
    for (uint32_t index = 0; index < words->count; index++) length += scalar_count(words->words[index].text);
    bool is_digit = length == 1 && strspn(words->words[0].text, "0123456789") == 1;  // a line number, say
    double clear = length == 1 && !is_digit ? VERY_CLEAR : CLEAR;
    if (length <= FEW && least < clear) least = clear;
    if (mean_confidence(words, 0, words->count) < least) return false;
    for (uint32_t index = 0; index < words->count; index++)
        if (has_writing(words->words[index].text)) return true;
    // Signs alone: a rule, a chevron or a menu icon is read as one or two.
    return words->count == 1 && scalar_count(words->words[0].text) > 2 && words->words[0].confidence >= 0.8;
}

void words_drop_junk(Words *words, double minimum, double least)
{
    drop_doubtful(words, minimum);
    uint32_t begin = 0, end = words->count;
    while (end - begin > 1 && is_scrap(words, begin, mean_confidence(words, begin + 1, end))) begin++;
    while (end - begin > 1 && is_scrap(words, end - 1, mean_confidence(words, begin, end - 1))) end--;
    keep(words, begin, end);
    if (!is_worth_reading(words, least)) keep(words, 0, 0);
}

// -----------------------------------------------------------------------------------------------------------
// Joining

// What to write between two words of a line: Tesseract parts Chinese characters as if they were words.
static const char *separator(const char *left_end, const char *right)
{
    return is_han(scalar_at(left_end, true)) && is_han(scalar_at(right, false)) ? "" : " ";
}

// How high the tallest word but `except` is, and the line that words without descenders stand on, in pixels.
static void measure(const Words *words, const Word *except, int *tallest, int *baseline)
{
    *tallest = 0;
    *baseline = except->bottom;
    for (uint32_t index = 0; index < words->count; index++) {
        const Word *word = &words->words[index];
        if (word == except || !has_writing(word->text)) continue;
        if (*tallest == 0 || word->bottom < *baseline) *baseline = word->bottom;
        if (word->bottom - word->top > *tallest) *tallest = word->bottom - word->top;
    }
}

// What to write for a word. A bar is the letter I, which many screens draw as a bare stroke, unless it
// reaches below the baseline; a small round mark before the first word is a bullet, which Tesseract reads as
// some letter.
static const char *text_of(const Words *words, const Word *word)
{
    int tallest, baseline, width = word->right - word->left, height = word->bottom - word->top;
    measure(words, word, &tallest, &baseline);
    bool stands = height <= tallest && 2 * height > tallest && 10 * (word->bottom - baseline) < height;
    if (strcmp(word->text, "|") == 0 && stands) return "I";
    bool is_dot = 9 * height < 4 * tallest && 2 * width < 3 * height && 2 * height < 3 * width;
    if (word == words->words && is_dot && scalar_count(word->text) == 1) return "•";
    return word->text;
}

bool words_join(const Words *words, Line *line)
{
    size_t room = 1;  // a space and a bullet in place of a byte are 3 bytes more
    for (uint32_t index = 0; index < words->count; index++) room += strlen(words->words[index].text) + 3;
    char *text = malloc(room), *end = text;
    if (!text) return false;
    const Word *first = words->words;
    *line = (Line){
        .left = first->left, .top = first->top, .right = first->right, .bottom = first->bottom, .text = text};
    double weighted = 0;  // sum of confidence × bytes
    size_t bytes = 0;
    for (uint32_t index = 0; index < words->count; index++) {
        const Word *word = &words->words[index];
        const char *read = text_of(words, word);
        if (index > 0) end = stpcpy(end, separator(end, read));
        end = stpcpy(end, read);
        weighted += (double)word->confidence * strlen(word->text);
        bytes += strlen(word->text);
        if (word->top < line->top) line->top = word->top;
        if (word->right > line->right) line->right = word->right;
        if (word->bottom > line->bottom) line->bottom = word->bottom;
    }
    line->confidence = (float)(weighted / bytes);
    return true;
}
