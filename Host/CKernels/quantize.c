// Encodes float32 in the weight formats that dequantize.c expands, with the same bits on every machine.
//
// Q8_0, F16 and BF16 are rounded in the one way that every writer of GGUF agrees on. Of the smaller types the scales
// are chosen for the least squared error, which the formats leave open.

#include "floating_point.h"

#include "quantize.h"

#include <math.h>

#include "gatehouse_kernels.h"
#include "quantize_fit.h"

enum { BLOCK = 32 };

void gh_importance(const float *x, int count, float *w) {
    float squares = 0.0f;
    for (int i = 0; i < count; i++) {
        squares += x[i] * x[i];
    }
    const float root = sqrtf(squares / (float)count);
    for (int i = 0; i < count; i++) {
        w[i] = root + fabsf(x[i]);
    }
}

static void encode_f32(const float *x, uint8_t *block) {
    memcpy(block, x, sizeof *x);
}

static void encode_f16(const float *x, uint8_t *block) {
    const uint16_t half = gh_half_of_float(*x);
    memcpy(block, &half, sizeof half);
}

static void encode_bf16(const float *x, uint8_t *block) {
    const uint32_t bits = gh_bits_of_float(*x);
    const int is_nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
    // A NaN stays one and becomes quiet; others are rounded to nearest, ties to even.
    const uint32_t rounded = is_nan ? bits | 0x00400000u : bits + 0x7FFFu + (bits >> 16 & 1u);
    const uint16_t half = (uint16_t)(rounded >> 16);
    memcpy(block, &half, sizeof half);
}

static void encode_q8_0(const float *x, uint8_t *block) {
    float largest = 0.0f;
    for (int i = 0; i < BLOCK; i++) {
        largest = fmaxf(largest, fabsf(x[i]));
    }
    const float d = largest / 127.0f;
    const float reciprocal = 1.0f / d;
    const float factor = isfinite(reciprocal) ? reciprocal : 0.0f;
    gh_store_half(d, block);
    for (int i = 0; i < BLOCK; i++) {
        block[2 + i] = (uint8_t)(int8_t)roundf(x[i] * factor);
    }
}

// The low nibble of byte i is element i, the high one element i + 16.
static void store_nibbles(const int8_t *q, uint8_t *bytes) {
    for (int i = 0; i < BLOCK / 2; i++) {
        bytes[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
    }
}

// Bit i of the word is the fifth bit of element i.
static void store_fifth_bits(const int8_t *q, uint8_t *word) {
    memset(word, 0, 4);
    for (int i = 0; i < BLOCK; i++) {
        word[i / 8] |= (uint8_t)((q[i] >> 4 & 1) << (i % 8));
    }
}

// d at byte 0, then `levels` / 2 as the code of zero.
static void scaled(const float *x, int levels, uint8_t *block, int8_t *q) {
    float w[BLOCK];
    gh_importance(x, BLOCK, w);
    const int zero = levels / 2;
    const float d = gh_store_half(gh_fit_scale(x, w, BLOCK, -zero, zero - 1), block);
    gh_nearest(x, BLOCK, d, 0.0f, -zero, zero - 1, q);
    for (int i = 0; i < BLOCK; i++) {
        q[i] = (int8_t)(q[i] + zero);
    }
}

// d at byte 0 and the minimum at byte 2.
static void shifted(const float *x, int levels, uint8_t *block, int8_t *q) {
    float w[BLOCK];
    gh_importance(x, BLOCK, w);
    const gh_line line = gh_fit_line(x, w, BLOCK, levels - 1, 0);
    const float d = gh_store_half(line.scale, block);
    const float minimum = gh_store_half(-line.offset, block + 2);
    gh_nearest(x, BLOCK, d, -minimum, 0, levels - 1, q);
}

static void encode_q4_0(const float *x, uint8_t *block) {
    int8_t q[BLOCK];
    scaled(x, 16, block, q);
    store_nibbles(q, block + 2);
}

static void encode_q4_1(const float *x, uint8_t *block) {
    int8_t q[BLOCK];
    shifted(x, 16, block, q);
    store_nibbles(q, block + 4);
}

static void encode_q5_0(const float *x, uint8_t *block) {
    int8_t q[BLOCK];
    scaled(x, 32, block, q);
    store_fifth_bits(q, block + 2);
    store_nibbles(q, block + 6);
}

static void encode_q5_1(const float *x, uint8_t *block) {
    int8_t q[BLOCK];
    shifted(x, 32, block, q);
    store_fifth_bits(q, block + 4);
    store_nibbles(q, block + 8);
}

static gh_encode_block *encoder(uint32_t type) {
    switch (type) {
    case GH_TYPE_F32: return encode_f32;
    case GH_TYPE_F16: return encode_f16;
    case GH_TYPE_BF16: return encode_bf16;
    case GH_TYPE_Q4_0: return encode_q4_0;
    case GH_TYPE_Q4_1: return encode_q4_1;
    case GH_TYPE_Q5_0: return encode_q5_0;
    case GH_TYPE_Q5_1: return encode_q5_1;
    case GH_TYPE_Q8_0: return encode_q8_0;
    case GH_TYPE_Q4_K: return gh_encode_q4_k;
    case GH_TYPE_Q5_K: return gh_encode_q5_k;
    case GH_TYPE_Q6_K: return gh_encode_q6_k;
    default: return 0;
    }
}

gh_status gh_quantize_row(uint32_t type, const float *source, void *destination, uint64_t count) {
    gh_encode_block *encode = encoder(type);
    if (!encode) {
        return GH_ERROR_UNSUPPORTED_TYPE;
    }
    const uint32_t size = gh_type_block_size(type);
    const uint32_t bytes = gh_type_block_bytes(type);
    if (count % size) {
        return GH_ERROR_BAD_SHAPE;
    }
    for (uint64_t i = 0; size > 1 && i < count; i++) {
        if (!(fabsf(source[i]) <= GH_QUANTIZE_LARGEST)) {
            return GH_ERROR_BAD_VALUE;
        }
    }
    uint8_t *block = destination;
    for (uint64_t done = 0; done < count; done += size) {
        encode(source + done, block);
        block += bytes;
    }
    return GH_OK;
}
