// What the tests share: one instance of the host, and a line of output for each behaviour that is checked.

#ifndef SCREEN_TEXT_TESTS_CHECK_H
#define SCREEN_TEXT_TESTS_CHECK_H

#include "host.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

extern int passed, failed;
extern const char *images;  // folder
extern Recorder recorder;
extern GatehouseHost host;  // writes into `recorder`

// Prints the test's name, and what was found where it is not good.
void check(bool good, const char *test, const char *found);

// Path of an image; valid until the next call.
const char *image_path(const char *name);

// The text that was read, or the error where none was.
const char *text_of(const Recorder *from);

const GatehouseInstance *create_or_exit(const char *configuration);

// Encodes an image into a cleared `recorder`.
GatehouseStatus read_image(const GatehouseInstance *instance, const char *name);

// Tests of creating.c and reading.c.
void test_creating(void);
void test_reading(const GatehouseInstance *instance);
void test_across_calls(const GatehouseInstance *instance);

#endif
