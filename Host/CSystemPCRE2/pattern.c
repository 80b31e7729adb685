#define PCRE2_CODE_UNIT_WIDTH 8
#include "CSystemPCRE2.h"

#include <pcre2.h>
#include <stdlib.h>

enum {
    JIT_STACK_FIRST = 32 * 1024,
    JIT_STACK_LARGEST = 1024 * 1024,
    // Backtracking steps of one match, some seconds' worth: patterns of strangers may need exponentially many. One line
    // of many megabytes of white space needs some for each byte.
    MOST_STEPS = 200 * 1000 * 1000,
    LARGEST_HEAP_KIB = 1024 * 1024,
};

struct gh_pattern {
    pcre2_code *code;
};

struct gh_matcher {
    const gh_pattern *pattern;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

gh_pattern *gh_pattern_create(const char *pattern, size_t size, char *message, size_t capacity, size_t *offset) {
    int error = PCRE2_ERROR_NOMEMORY;
    *offset = 0;
    gh_pattern *made = calloc(1, sizeof *made);
    if (made) {
        pcre2_compile_context *context = pcre2_compile_context_create(NULL);
        if (context) {
            pcre2_set_newline(context, PCRE2_NEWLINE_LF);
            const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE;
            made->code = pcre2_compile((PCRE2_SPTR)pattern, size, options, &error, offset, context);
            pcre2_compile_context_free(context);
        }
    }
    if (!made || !made->code) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)message, capacity);
        free(made);
        return NULL;
    }
    // Without machine code (a hardened kernel refuses writable pages) matching is slower and otherwise the same.
    (void)pcre2_jit_compile(made->code, PCRE2_JIT_COMPLETE);
    return made;
}

void gh_pattern_message(int error, char *message, size_t capacity) {
    pcre2_get_error_message(error, (PCRE2_UCHAR *)message, capacity);
}

void gh_pattern_free(gh_pattern *pattern) {
    if (!pattern) return;
    pcre2_code_free(pattern->code);
    free(pattern);
}

gh_matcher *gh_matcher_create(const gh_pattern *pattern) {
    gh_matcher *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    made->pattern = pattern;
    made->data = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    made->context = pcre2_match_context_create(NULL);
    made->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_LARGEST, NULL);
    if (!made->data || !made->context) {
        gh_matcher_free(made);
        return NULL;
    }
    pcre2_set_match_limit(made->context, MOST_STEPS);
    pcre2_set_depth_limit(made->context, MOST_STEPS);
    pcre2_set_heap_limit(made->context, LARGEST_HEAP_KIB);
    if (made->stack) pcre2_jit_stack_assign(made->context, NULL, made->stack);
    return made;
}

void gh_matcher_free(gh_matcher *matcher) {
    if (!matcher) return;
    pcre2_jit_stack_free(matcher->stack);
    pcre2_match_context_free(matcher->context);
    pcre2_match_data_free(matcher->data);
    free(matcher);
}

int gh_matcher_find(
    gh_matcher *matcher, const uint8_t *subject, size_t size, size_t start, size_t *begin, size_t *end) {
    const pcre2_code *code = matcher->pattern->code;
    int found = pcre2_match(code, subject, size, start, PCRE2_NO_UTF_CHECK, matcher->data, matcher->context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
        // The interpreter keeps its state on the heap.
        found = pcre2_match(
            code, subject, size, start, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, matcher->data, matcher->context);
    }
    if (found == PCRE2_ERROR_NOMATCH) return 0;
    if (found < 0) return found;
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(matcher->data);
    *begin = span[0];
    *end = span[1];
    return 1;
}
