#include "json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Deeper nesting is refused, so that a hostile text cannot exhaust the stack.
enum { MOST_DEPTH = 32 };

typedef struct Reader {
    const char *text;
    uint64_t size;
    uint64_t at;
    Failure *failure;
} Reader;

static bool refuse(Reader *reader, const char *what)
{
    fail(reader->failure, GATEHOUSE_BAD_CONFIGURATION,
         "The configuration is not valid JSON: expected %s at byte %llu of %llu.", what,
         (unsigned long long)reader->at, (unsigned long long)reader->size);
    return false;
}

static bool out_of_memory(Reader *reader)
{
    fail(reader->failure, GATEHOUSE_OUT_OF_MEMORY, "There is no memory to read the configuration.");
    return false;
}

// The byte at the cursor, or -1 past the end.
static int peek(const Reader *reader)
{
    return reader->at < reader->size ? (unsigned char)reader->text[reader->at] : -1;
}

static void skip_space(Reader *reader)
{
    while (peek(reader) == ' ' || peek(reader) == '\t' || peek(reader) == '\n' || peek(reader) == '\r')
        reader->at++;
}

static bool take(Reader *reader, char byte)
{
    if (peek(reader) != byte) return false;
    reader->at++;
    return true;
}

static bool read_word(Reader *reader, const char *word)
{
    uint64_t length = strlen(word);
    if (reader->size - reader->at < length || memcmp(reader->text + reader->at, word, length) != 0)
        return refuse(reader, "a value");
    reader->at += length;
    return true;
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

// Reads a number without strtod, whose decimal point follows the process locale. The last digit may be
// rounded.
static bool read_number(Reader *reader, double *number)
{
    bool negative = take(reader, '-');
    double value = 0;
    int exponent = 0;
    if (!is_digit(peek(reader))) return refuse(reader, "a digit");
    if (!take(reader, '0'))
        while (is_digit(peek(reader))) value = value * 10 + (reader->text[reader->at++] - '0');
    if (take(reader, '.')) {
        if (!is_digit(peek(reader))) return refuse(reader, "a digit after the point");
        for (; is_digit(peek(reader)); exponent--) value = value * 10 + (reader->text[reader->at++] - '0');
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        int sign = take(reader, '-') ? -1 : (take(reader, '+'), 1);
        int given = 0;
        if (!is_digit(peek(reader))) return refuse(reader, "a digit of the exponent");
        for (; is_digit(peek(reader)); reader->at++)
            if (given < 10000) given = given * 10 + (reader->text[reader->at] - '0');
        exponent += sign * given;
    }
    double scale = 1;
    for (int step = abs(exponent); step > 0 && scale < 1e300; step--) scale *= 10;
    value = exponent < 0 ? value / scale : value * scale;
    *number = negative ? -value : value;
    return true;
}

static bool read_hex(Reader *reader, uint32_t *unit)
{
    *unit = 0;
    for (int digit = 0; digit < 4; digit++) {
        int byte = peek(reader);
        int lower = byte | 0x20;
        if (!is_digit(byte) && !(lower >= 'a' && lower <= 'f'))
            return refuse(reader, "four hexadecimal digits");
        *unit = *unit * 16 + (uint32_t)(is_digit(byte) ? byte - '0' : lower - 'a' + 10);
        reader->at++;
    }
    return true;
}

static char *put_utf8(char *out, uint32_t scalar)
{
    if (scalar < 0x80) {
        *out++ = (char)scalar;
    } else if (scalar < 0x800) {
        *out++ = (char)(0xC0 | scalar >> 6);
        *out++ = (char)(0x80 | (scalar & 0x3F));
    } else if (scalar < 0x10000) {
        *out++ = (char)(0xE0 | scalar >> 12);
        *out++ = (char)(0x80 | (scalar >> 6 & 0x3F));
        *out++ = (char)(0x80 | (scalar & 0x3F));
    } else {
        *out++ = (char)(0xF0 | scalar >> 18);
        *out++ = (char)(0x80 | (scalar >> 12 & 0x3F));
        *out++ = (char)(0x80 | (scalar >> 6 & 0x3F));
        *out++ = (char)(0x80 | (scalar & 0x3F));
    }
    return out;
}

static bool read_escape(Reader *reader, char **out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    int byte = peek(reader);
    const char *letter = byte > 0 ? strchr(letters, byte) : NULL;
    if (letter) {
        reader->at++;
        *(*out)++ = meanings[letter - letters];
        return true;
    }
    if (!take(reader, 'u')) return refuse(reader, "an escape that JSON knows");
    uint32_t scalar, low;
    if (!read_hex(reader, &scalar)) return false;
    if (scalar >= 0xD800 && scalar < 0xDC00) {
        if (!take(reader, '\\') || !take(reader, 'u'))
            return refuse(reader, "the second half of a surrogate pair");
        if (!read_hex(reader, &low)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return refuse(reader, "the second half of a surrogate pair");
        scalar = 0x10000 + ((scalar - 0xD800) << 10) + (low - 0xDC00);
    } else if (scalar == 0 || (scalar >= 0xDC00 && scalar <= 0xDFFF)) {
        return refuse(reader, "a character other than U+0000 or half a pair");
    }
    *out = put_utf8(*out, scalar);
    return true;
}

// Allocates the string; the caller frees it.
static bool read_string(Reader *reader, char **string)
{
    if (!take(reader, '"')) return refuse(reader, "a string");
    uint64_t length = 0;  // no escape is shorter than what it stands for
    for (uint64_t at = reader->at; at < reader->size && reader->text[at] != '"'; at++) {
        if (reader->text[at] == '\\') at++, length++;
        length++;
    }
    char *start = malloc(length + 1);
    if (!start) return out_of_memory(reader);
    char *out = start;
    while (!take(reader, '"')) {
        int byte = peek(reader);
        bool good = true;
        if (byte < 0x20) {
            good = refuse(reader, byte < 0 ? "the end of a string" : "no control character inside a string");
        } else if (byte == '\\') {
            reader->at++;
            good = read_escape(reader, &out);
        } else {
            *out++ = (char)byte;
            reader->at++;
        }
        if (!good) {
            free(start);
            return false;
        }
    }
    *out = '\0';
    *string = start;
    return true;
}

static bool read_value(Reader *reader, int depth, JsonMember *member);

// What stands between the brackets of an array or object below the top, checked and dropped.
static bool skip_nested(Reader *reader, int depth, bool object)
{
    char close = object ? '}' : ']';
    if (depth >= MOST_DEPTH) return refuse(reader, "less nesting");
    reader->at++;
    skip_space(reader);
    if (take(reader, close)) return true;
    do {
        JsonMember member = {0};
        skip_space(reader);
        if (object) {
            if (!read_string(reader, &member.key)) return false;
            free(member.key);
            skip_space(reader);
            if (!take(reader, ':')) return refuse(reader, "':'");
        }
        if (!read_value(reader, depth + 1, &member)) return false;
        free(member.string);
        skip_space(reader);
    } while (take(reader, ','));
    return take(reader, close) || refuse(reader, object ? "',' or '}'" : "',' or ']'");
}

static bool read_value(Reader *reader, int depth, JsonMember *member)
{
    skip_space(reader);
    switch (peek(reader)) {
    case '"': member->kind = JSON_STRING; return read_string(reader, &member->string);
    case '{': member->kind = JSON_OBJECT; return skip_nested(reader, depth, true);
    case '[': member->kind = JSON_ARRAY; return skip_nested(reader, depth, false);
    case 't': member->kind = JSON_BOOLEAN; return read_word(reader, "true");
    case 'f': member->kind = JSON_BOOLEAN; return read_word(reader, "false");
    case 'n': member->kind = JSON_NULL; return read_word(reader, "null");
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        member->kind = JSON_NUMBER; return read_number(reader, &member->number);
    default: return refuse(reader, "a value");
    }
}

static bool read_member(Reader *reader, JsonObject *object)
{
    JsonMember *grown = realloc(object->members, (object->count + 1) * sizeof *grown);
    if (!grown) return out_of_memory(reader);
    object->members = grown;
    JsonMember *member = &grown[object->count];
    *member = (JsonMember){0};
    skip_space(reader);
    if (!read_string(reader, &member->key)) return false;
    object->count++;
    for (uint32_t other = 0; other + 1 < object->count; other++)
        if (strcmp(grown[other].key, member->key) == 0) return refuse(reader, "each key once before the end");
    skip_space(reader);
    return (take(reader, ':') || refuse(reader, "':'")) && read_value(reader, 1, member);
}

// RFC 3629, as far as a message needs it: every lead byte has its continuation bytes, and none stands alone.
static bool is_utf8(const char *text, uint64_t size)
{
    uint64_t pending = 0;
    for (uint64_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool continues = (byte & 0xC0) == 0x80;
        if (continues != (pending > 0) || byte == 0xC0 || byte == 0xC1 || byte > 0xF4) return false;
        if (continues) pending--;
        else pending = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0;
    }
    return pending == 0;
}

static bool read_whole(Reader *reader, JsonObject *object)
{
    // Keys and values are quoted in messages, which are UTF-8.
    if (!is_utf8(reader->text, reader->size)) return refuse(reader, "UTF-8");
    skip_space(reader);
    if (!take(reader, '{')) return refuse(reader, "'{'");
    skip_space(reader);
    if (!take(reader, '}')) {
        do {
            if (!read_member(reader, object)) return false;
            skip_space(reader);
        } while (take(reader, ','));
        if (!take(reader, '}')) return refuse(reader, "',' or '}'");
    }
    skip_space(reader);
    return reader->at == reader->size || refuse(reader, "nothing after the object");
}

const char *json_kind_name(JsonKind kind)
{
    static const char *const names[] = {"null", "a boolean", "a number", "a string", "an array", "an object"};
    return names[kind];
}

GatehouseStatus json_read_object(const char *text, uint64_t size, JsonObject *object, Failure *failure)
{
    Reader reader = {.text = text, .size = size, .failure = failure};
    JsonObject read = {0};
    if (!read_whole(&reader, &read)) {
        json_free_object(&read);
        return failure->status;
    }
    *object = read;
    return GATEHOUSE_OK;
}

void json_free_object(JsonObject *object)
{
    for (uint32_t index = 0; index < object->count; index++) {
        free(object->members[index].key);
        free(object->members[index].string);
    }
    free(object->members);
    *object = (JsonObject){0};
}
