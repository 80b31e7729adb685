// Whether a text is JSON (RFC 8259), without keeping any of it.

#include <string.h>

#include "tests.h"

enum { DEEPEST = 512 };

typedef struct Text {
    const char *next, *end;
} Text;

static int peek(const Text *text) {
    return text->next < text->end ? (unsigned char)*text->next : -1;
}

static void skip_space(Text *text) {
    while (text->next < text->end && strchr(" \t\r\n", *text->next) && *text->next) text->next++;
}

static int take(Text *text, char byte) {
    if (peek(text) != byte) return 0;
    text->next++;
    return 1;
}

static int string(Text *text) {
    if (!take(text, '"')) return 0;
    while (text->next < text->end) {
        unsigned char byte = (unsigned char)*text->next++;
        if (byte == '"') return 1;
        if (byte < 0x20) return 0;
        if (byte != '\\') continue;
        int escape = peek(text);
        if (escape < 0) return 0;
        text->next++;
        if (escape == 'u') {
            for (int i = 0; i < 4; i++, text->next++) {
                int digit = peek(text);
                if (digit < 1 || !strchr("0123456789abcdefABCDEF", digit)) return 0;
            }
        } else if (!escape || !strchr("\"\\/bfnrt", escape)) {
            return 0;
        }
    }
    return 0;
}

static int digits(Text *text) {
    const char *start = text->next;
    while (peek(text) >= '0' && peek(text) <= '9') text->next++;
    return text->next > start;
}

static int number(Text *text) {
    take(text, '-');
    if (!take(text, '0') && !digits(text)) return 0;
    if (take(text, '.') && !digits(text)) return 0;
    if (take(text, 'e') || take(text, 'E')) {
        if (!take(text, '+')) take(text, '-');
        return digits(text);
    }
    return 1;
}

static int word(Text *text, const char *expected) {
    size_t size = strlen(expected);
    if ((size_t)(text->end - text->next) < size || memcmp(text->next, expected, size)) return 0;
    text->next += size;
    return 1;
}

static int value(Text *text, int depth) {
    if (depth > DEEPEST) return 0;
    skip_space(text);
    int first = peek(text), good;
    if (first == '{' || first == '[') {
        char close = first == '{' ? '}' : ']';
        text->next++;
        skip_space(text);
        if (take(text, close)) return 1;
        do {
            skip_space(text);
            if (first == '{') {
                if (!string(text)) return 0;
                skip_space(text);
                if (!take(text, ':')) return 0;
            }
            if (!value(text, depth + 1)) return 0;
            skip_space(text);
        } while (take(text, ','));
        good = take(text, close);
    } else if (first == '"') {
        good = string(text);
    } else {
        good = word(text, "true") || word(text, "false") || word(text, "null") || number(text);
    }
    return good;
}

int is_json(const char *text, uint64_t size) {
    Text rest = {text, text + size};
    if (!value(&rest, 0)) return 0;
    skip_space(&rest);
    return rest.next == rest.end;
}
