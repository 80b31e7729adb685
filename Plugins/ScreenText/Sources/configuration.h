// What the operator may set, and where the languages' files lie.

#ifndef SCREEN_TEXT_CONFIGURATION_H
#define SCREEN_TEXT_CONFIGURATION_H

#include "failure.h"

// JSON Schema of the configuration, for the descriptor.
extern const char configuration_schema[];

typedef struct Configuration {
    char languages[128];        // Tesseract's codes, joined by '+'
    double minimum_confidence;  // 0 … 1; words below it are dropped
} Configuration;

// Fills in defaults, then what the JSON object says. BAD_CONFIGURATION names key, expected and found.
GatehouseStatus configuration_read(
    const char *text, uint64_t size, Configuration *configuration, Failure *failure);

// Finds the folder that holds CODE.traineddata for every language: `weights_folder` (or `tessdata` in it)
// where it is not NULL, else the system's. NO_WEIGHTS names the missing file and the Debian package that
// brings it.
GatehouseStatus configuration_find_tessdata(
    const Configuration *configuration, const char *weights_folder, char *folder, uint64_t capacity,
    Failure *failure);

#endif
