// What the encoders of the weight formats share.

#ifndef GH_QUANTIZE_H
#define GH_QUANTIZE_H

#include <stdint.h>
#include <string.h>

#include "half.h"

typedef void gh_encode_block(const float *x, uint8_t *block);

// Of quantize_k.c; blocks of 256.
gh_encode_block gh_encode_q4_k, gh_encode_q5_k, gh_encode_q6_k;

// The nearest half that is finite.
static inline float gh_rounded_to_half(float value) {
    const float largest = 65504.0f;
    const float bounded = value > largest ? largest : value < -largest ? -largest : value;
    return gh_float_of_half(gh_half_of_float(bounded));
}

// Stores it and returns what a reader will find.
static inline float gh_store_half(float value, uint8_t *bytes) {
    const float rounded = gh_rounded_to_half(value);
    const uint16_t half = gh_half_of_float(rounded);
    memcpy(bytes, &half, sizeof half);
    return rounded;
}

// How much an error in each of `count` weights counts. A weight's error adds to an output in proportion to the activation
// that it meets, which is not known here; large weights are taken to matter somewhat more than small ones.
void gh_importance(const float *x, int count, float *w);

#endif
