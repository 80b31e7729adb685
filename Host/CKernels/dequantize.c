// The weight formats as GGUF stores them, little-endian, and their expansion to float32.
//
// A block of the 32-element types is a header of half-precision scale d (and minimum m), sometimes a word of
// fifth bits, then 16 bytes whose low nibbles are elements 0 … 15 and whose high nibbles are 16 … 31.
// A block of the K types is 256 elements in sub-blocks that have small integer scales of their own.

#include "floating_point.h"

#include "gatehouse_kernels.h"
#include "half.h"
#include "k_scales.h"

typedef void expand_block(const uint8_t *block, float *out);

static void expand_f32(const uint8_t *block, float *out) {
    memcpy(out, block, sizeof *out);
}

static void expand_f16(const uint8_t *block, float *out) {
    *out = gh_load_half(block);
}

static void expand_bf16(const uint8_t *block, float *out) {
    *out = gh_float_of_bits((uint32_t)gh_load_u16(block) << 16);
}

static void expand_q4_0(const uint8_t *block, float *out) {
    const float d = gh_load_half(block);
    const uint8_t *nibbles = block + 2;
    for (int j = 0; j < 16; j++) {
        out[j] = d * (float)((nibbles[j] & 15) - 8);
        out[j + 16] = d * (float)((nibbles[j] >> 4) - 8);
    }
}

static void expand_q4_1(const uint8_t *block, float *out) {
    const float d = gh_load_half(block);
    const float m = gh_load_half(block + 2);
    const uint8_t *nibbles = block + 4;
    for (int j = 0; j < 16; j++) {
        out[j] = d * (float)(nibbles[j] & 15) + m;
        out[j + 16] = d * (float)(nibbles[j] >> 4) + m;
    }
}

// Element j's fifth bit is bit j of the word.
static int five_bits(uint8_t nibble, const uint8_t *word, int j) {
    return nibble | (word[j / 8] >> (j % 8) & 1) << 4;
}

static void expand_q5_0(const uint8_t *block, float *out) {
    const float d = gh_load_half(block);
    const uint8_t *high = block + 2;
    const uint8_t *nibbles = block + 6;
    for (int j = 0; j < 16; j++) {
        out[j] = d * (float)(five_bits(nibbles[j] & 15, high, j) - 16);
        out[j + 16] = d * (float)(five_bits(nibbles[j] >> 4, high, j + 16) - 16);
    }
}

static void expand_q5_1(const uint8_t *block, float *out) {
    const float d = gh_load_half(block);
    const float m = gh_load_half(block + 2);
    const uint8_t *high = block + 4;
    const uint8_t *nibbles = block + 8;
    for (int j = 0; j < 16; j++) {
        out[j] = d * (float)five_bits(nibbles[j] & 15, high, j) + m;
        out[j + 16] = d * (float)five_bits(nibbles[j] >> 4, high, j + 16) + m;
    }
}

static void expand_q8_0(const uint8_t *block, float *out) {
    const float d = gh_load_half(block);
    for (int j = 0; j < 32; j++) {
        out[j] = d * (float)(int8_t)block[2 + j];
    }
}

// Q4_K and Q5_K: sub-block s is 32 elements; sub-blocks 2p and 2p + 1 are the low and high nibbles of the
// same 32 bytes. In Q5_K bit s of byte l of `high` is the fifth bit of element l of sub-block s.
static void expand_k(const uint8_t *block, const uint8_t *high, const uint8_t *nibbles, float *out) {
    const float d = gh_load_half(block);
    const float d_minimum = gh_load_half(block + 2);
    for (int s = 0; s < 8; s++) {
        int scale, minimum;
        gh_k_scale(block + 4, s, &scale, &minimum);
        const float step = d * (float)scale;
        const float offset = d_minimum * (float)minimum;
        const uint8_t *bytes = nibbles + (s / 2) * 32;
        for (int l = 0; l < 32; l++) {
            int q = s % 2 ? bytes[l] >> 4 : bytes[l] & 15;
            if (high) {
                q |= (high[l] >> s & 1) << 4;
            }
            out[s * 32 + l] = step * (float)q - offset;
        }
    }
}

static void expand_q4_k(const uint8_t *block, float *out) {
    expand_k(block, 0, block + 16, out);
}

static void expand_q5_k(const uint8_t *block, float *out) {
    expand_k(block, block + 16, block + 48, out);
}

// 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales of 16 elements each, then d. In each half
// of 128 elements, quarter g takes low or high nibbles (g < 2 or not) and bit pair g of the same 32 bytes.
static void expand_q6_k(const uint8_t *block, float *out) {
    const uint8_t *scales = block + 192;
    const float d = gh_load_half(block + 208);
    for (int half = 0; half < 2; half++) {
        const uint8_t *low = block + half * 64;
        const uint8_t *high = block + 128 + half * 32;
        for (int g = 0; g < 4; g++) {
            for (int l = 0; l < 32; l++) {
                const uint8_t byte = low[(g % 2) * 32 + l];
                const int nibble = g < 2 ? byte & 15 : byte >> 4;
                const int q = (nibble | (high[l] >> (2 * g) & 3) << 4) - 32;
                const int element = half * 128 + g * 32 + l;
                out[element] = d * (float)(int8_t)scales[element / 16] * (float)q;
            }
        }
    }
}

typedef struct format {
    uint32_t type;
    uint32_t block_size;
    uint32_t block_bytes;
    const char *name;
    expand_block *expand;
} format;

static const format formats[] = {
    {GH_TYPE_F32, 1, 4, "F32", expand_f32},
    {GH_TYPE_F16, 1, 2, "F16", expand_f16},
    {GH_TYPE_BF16, 1, 2, "BF16", expand_bf16},
    {GH_TYPE_Q4_0, 32, 18, "Q4_0", expand_q4_0},
    {GH_TYPE_Q4_1, 32, 20, "Q4_1", expand_q4_1},
    {GH_TYPE_Q5_0, 32, 22, "Q5_0", expand_q5_0},
    {GH_TYPE_Q5_1, 32, 24, "Q5_1", expand_q5_1},
    {GH_TYPE_Q8_0, 32, 34, "Q8_0", expand_q8_0},
    {GH_TYPE_Q4_K, 256, 144, "Q4_K", expand_q4_k},
    {GH_TYPE_Q5_K, 256, 176, "Q5_K", expand_q5_k},
    {GH_TYPE_Q6_K, 256, 210, "Q6_K", expand_q6_k},
};

static const format *find(uint32_t type) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (formats[i].type == type) {
            return &formats[i];
        }
    }
    return 0;
}

uint32_t gh_type_block_size(uint32_t type) {
    const format *f = find(type);
    return f ? f->block_size : 0;
}

uint32_t gh_type_block_bytes(uint32_t type) {
    const format *f = find(type);
    return f ? f->block_bytes : 0;
}

const char *gh_type_name(uint32_t type) {
    const format *f = find(type);
    return f ? f->name : 0;
}

gh_status gh_dequantize_row(uint32_t type, const void *source, float *destination, uint64_t count) {
    const format *f = find(type);
    if (!f) {
        return GH_ERROR_UNSUPPORTED_TYPE;
    }
    if (count % f->block_size) {
        return GH_ERROR_BAD_SHAPE;
    }
    const uint8_t *block = source;
    for (uint64_t done = 0; done < count; done += f->block_size) {
        f->expand(block, destination + done);
        block += f->block_bytes;
    }
    return GH_OK;
}
