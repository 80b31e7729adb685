// What tokenizers need of PCRE2: a compiled pattern, and the next match in UTF-8.

#ifndef GATEHOUSE_SYSTEM_PCRE2_H
#define GATEHOUSE_SYSTEM_PCRE2_H

#include <stddef.h>
#include <stdint.h>

typedef struct gh_pattern gh_pattern;  // immutable once made; any number of threads may match with it
typedef struct gh_matcher gh_matcher;  // scratch memory of one thread at a time, for one pattern

// Compiles `pattern` (UTF-8) with Unicode properties and with anchors that hold at every line, and to machine code
// where the processor allows it.
// NULL on failure: `message` (NUL-terminated, cut to `capacity`) says why, `offset` is the byte it is about.
gh_pattern *gh_pattern_create(const char *pattern, size_t size, char *message, size_t capacity, size_t *offset);
void gh_pattern_free(gh_pattern *pattern);

// What an error of gh_matcher_find means, NUL-terminated and cut to `capacity`.
void gh_pattern_message(int error, char *message, size_t capacity);

// NULL when memory is short. The pattern outlives its matchers.
gh_matcher *gh_matcher_create(const gh_pattern *pattern);
void gh_matcher_free(gh_matcher *matcher);

// The first match at or after `start` in `subject`, which must be valid UTF-8, `start` on a character border.
// 1: found, its bytes are begin ..< end. 0: none. Negative: PCRE2's error code, also where the match takes too long.
int gh_matcher_find(
    gh_matcher *matcher, const uint8_t *subject, size_t size, size_t start, size_t *begin, size_t *end);

#endif
