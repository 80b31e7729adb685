// A strict reader (RFC 8259) of one JSON object. Members come back flat: strings and numbers with their
// value, arrays and objects only checked and named by their kind.

#ifndef SCREEN_TEXT_JSON_H
#define SCREEN_TEXT_JSON_H

#include "failure.h"

typedef enum JsonKind {
    JSON_NULL,
    JSON_BOOLEAN,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} JsonKind;

typedef struct JsonMember {
    char *key;      // UTF-8; json_read_object refuses U+0000, so NUL ends it
    JsonKind kind;
    char *string;   // JSON_STRING only, else NULL; as `key`
    double number;  // JSON_NUMBER only
} JsonMember;

typedef struct JsonObject {
    uint32_t count;
    JsonMember *members;  // in the order of the text, keys unique
} JsonObject;

// "a string", "an array", …
const char *json_kind_name(JsonKind kind);

// BAD_CONFIGURATION with the byte offset of the first mistake, or OUT_OF_MEMORY. The object is freed by
// json_free_object; after a failure there is nothing to free.
GatehouseStatus json_read_object(const char *text, uint64_t size, JsonObject *object, Failure *failure);

void json_free_object(JsonObject *object);

#endif
