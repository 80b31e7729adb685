// From a prepared page to its text: Tesseract, its monitor and its threads behind a few functions.

#ifndef SCREEN_TEXT_READER_H
#define SCREEN_TEXT_READER_H

#include "configuration.h"
#include "reading.h"

#include <allheaders.h>

typedef struct Reader Reader;

// The part of a job's progress that one picture fills: begin … begin + width, within 0 … 1.
typedef struct Share {
    const GatehouseJob *job;
    double begin;
    double width;
} Share;

// Loads the languages. NO_WEIGHTS where a file is damaged.
GatehouseStatus reader_create(
    const char *tessdata, const Configuration *configuration, const GatehouseJob *job, Reader **reader,
    Failure *failure);

void reader_destroy(Reader *reader);

// Forgets what earlier pages taught Tesseract. reader_read does so itself, before each page.
void reader_forget(Reader *reader);

// Reads an 8-bit page. The caller frees the reading with reading_free. CANCELLED when the job says so.
GatehouseStatus reader_read(Reader *reader, PIX *page, const Share *share, Reading *reading,
                            Failure *failure);

#endif
