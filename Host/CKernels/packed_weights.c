#include "floating_point.h"

#include "packed_weights.h"

#include <string.h>

#include "half.h"
#include "k_scales.h"

// One run of scales of a row, before it is interleaved.
typedef struct row_scales {
    uint16_t d, m;
    uint8_t scales[16], minima[8];
} row_scales;

bool gh_is_packable(uint32_t type) {
#define GH_IS(packed) \
    case packed: return true;
    switch (type) { GH_PACKED_TYPES(GH_IS) }
#undef GH_IS
    return false;
}

size_t gh_packed_bytes(const gh_matrix *matrix) {
    const gh_packing p = gh_packing_of(matrix->type);
    return gh_panel_count(matrix->rows) * gh_panel_bytes(p, matrix->cols / GH_QUANTUM);
}

static uint32_t word_at(const uint8_t *bytes, size_t index) {
    uint32_t word;
    memcpy(&word, bytes + 4 * index, sizeof word);
    return word;
}

// Puts `count` words of a row in its lane.
static inline __attribute__((always_inline)) void put(uint32_t *plane, const uint32_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        plane[i * GH_PANEL_ROWS] = words[i];
    }
}

// The plane of fifth bits of 32 elements whose bits lie in their order.
static uint32_t fifth_bits(uint32_t bits) {
    uint32_t plane = 0;
    for (size_t pair = 0; pair < GH_PAIRS; pair++) {
        plane |= (bits >> gh_pair_element(pair, 0) & 1) << pair;
        plane |= (bits >> gh_pair_element(pair, 1) & 1) << (pair + 16);
    }
    return plane;
}

// The two planes of bit pairs of 32 elements, a byte each.
static void bit_pairs(const uint8_t *bits, uint32_t planes[2]) {
    planes[0] = planes[1] = 0;
    for (size_t pair = 0; pair < GH_PAIRS; pair++) {
        const uint32_t low = bits[gh_pair_element(pair, 0)], high = bits[gh_pair_element(pair, 1)];
        planes[pair / 8] |= (low | high << 16) << 2 * (pair % 8);
    }
}

// Elements 0 … 15 in the low nibbles and 16 … 31 in the high ones, from eight words of 32 nibbles in bytes of their own.
static void join_nibbles(const uint32_t *bytes, uint32_t *words) {
    for (size_t i = 0; i < 4; i++) {
        words[i] = bytes[i] | bytes[i + 4] << 4;
    }
}

// A block of the 32-element types.
static inline __attribute__((always_inline)) void pack_block(uint32_t type, const uint8_t *block, row_scales *scales, uint32_t *planes) {
    uint32_t words[8];
    scales->d = gh_load_u16(block);
    if (type == GH_TYPE_Q8_0) {
        for (size_t i = 0; i < 8; i++) {
            words[i] = word_at(block + 2, i);
        }
        put(planes, words, 8);
        return;
    }
    const uint8_t *place = block + 2;
    if (type == GH_TYPE_Q4_1 || type == GH_TYPE_Q5_1) {
        scales->m = gh_load_u16(place);
        place += 2;
    }
    size_t count = 4;
    if (type == GH_TYPE_Q5_0 || type == GH_TYPE_Q5_1) {
        words[count++] = fifth_bits(word_at(place, 0));
        place += 4;
    }
    for (size_t i = 0; i < 4; i++) {
        words[i] = word_at(place, i);
    }
    put(planes, words, count);
}

// A super-block of Q4_K or Q5_K, as dequantize.c describes it.
static void pack_k(
    const uint8_t *block, const uint8_t *high, const uint8_t *nibbles, row_scales *scales, uint32_t *planes,
    size_t plane_words) {
    scales->d = gh_load_u16(block);
    scales->m = gh_load_u16(block + 2);
    for (int s = 0; s < 8; s++) {
        int scale, minimum;
        gh_k_scale(block + 4, s, &scale, &minimum);
        scales->scales[s] = (uint8_t)scale;
        scales->minima[s] = (uint8_t)minimum;
        uint32_t bytes[8], words[5];
        for (size_t i = 0; i < 8; i++) {
            bytes[i] = word_at(nibbles + s / 2 * 32, i) >> 4 * (s % 2) & 0x0F0F0F0F;
        }
        join_nibbles(bytes, words);
        if (high) {
            uint32_t bits = 0;
            for (int l = 0; l < 32; l++) {
                bits |= (uint32_t)(high[l] >> s & 1) << l;
            }
            words[4] = fifth_bits(bits);
        }
        put(planes + (size_t)s * plane_words, words, high ? 5 : 4);
    }
}

static void pack_q6_k(const uint8_t *block, row_scales *scales, uint32_t *planes, size_t plane_words) {
    scales->d = gh_load_u16(block + 208);
    memcpy(scales->scales, block + 192, 16);
    for (size_t s = 0; s < 8; s++) {
        const size_t g = s % 4;
        const uint8_t *low = block + s / 4 * 64 + g % 2 * 32;
        const uint8_t *high = block + 128 + s / 4 * 32;
        uint32_t bytes[8], words[6];
        uint8_t pairs[32];
        for (size_t i = 0; i < 8; i++) {
            bytes[i] = word_at(low, i) >> (g < 2 ? 0 : 4) & 0x0F0F0F0F;
        }
        for (size_t l = 0; l < 32; l++) {
            pairs[l] = high[l] >> (2 * g) & 3;
        }
        join_nibbles(bytes, words);
        bit_pairs(pairs, words + 4);
        put(planes + s * plane_words, words, 6);
    }
}

// The run's scales of one row, at their places among those of the panel.
static inline __attribute__((always_inline)) void put_scales(gh_packing p, const row_scales *scales, uint8_t *run, size_t row) {
    uint16_t *halves = (uint16_t *)run;
    halves[row] = scales->d;
    size_t vectors = 2;
    if (p.has_minimum) {
        halves[GH_PANEL_ROWS + row] = scales->m;
        vectors += 2;
    }
    uint8_t *bytes = run + vectors * GH_PANEL_ROWS;
    const size_t count = gh_scales_of_run(p);
    for (size_t s = 0; s < count; s++) {
        bytes[s * GH_PANEL_ROWS + row] = scales->scales[s];
        if (p.has_minimum) {
            bytes[(count + s) * GH_PANEL_ROWS + row] = scales->minima[s];
        }
    }
}

// One body for each type: this is what loading a large model waits for.
static inline __attribute__((always_inline)) void pack_rows(
    const uint32_t type, const gh_matrix *matrix, size_t first, size_t rows, uint8_t *scales) {
    const gh_packing p = gh_packing_of(type);
    const size_t blocks = matrix->cols / GH_QUANTUM;
    const size_t runs = blocks / gh_scale_run(p);
    const size_t plane_words = gh_plane_bytes(p) / sizeof(uint32_t);
    const size_t source_bytes = gh_type_block_bytes(type);
    const size_t stride = matrix->stride > 0 ? matrix->stride : runs * source_bytes;
    const uint8_t *source = (const uint8_t *)matrix->data + first * stride;
    uint32_t *planes = (uint32_t *)(scales + gh_scale_bytes(p, blocks));
    for (size_t run = 0; run < runs; run++) {
        for (size_t row = 0; row < rows; row++) {
            const uint8_t *block = source + row * stride + run * source_bytes;
            uint32_t *place = planes + run * gh_scale_run(p) * plane_words + row;
            row_scales s;
            switch (type) {
            case GH_TYPE_Q4_K: pack_k(block, NULL, block + 16, &s, place, plane_words); break;
            case GH_TYPE_Q5_K: pack_k(block, block + 16, block + 48, &s, place, plane_words); break;
            case GH_TYPE_Q6_K: pack_q6_k(block, &s, place, plane_words); break;
            default: pack_block(type, block, &s, place); break;
            }
            put_scales(p, &s, scales + run * gh_scale_run_bytes(p), row);
        }
    }
}

void gh_pack_panel(const gh_matrix *matrix, const gh_packed *packed, size_t panel) {
    const size_t bytes = gh_panel_bytes(gh_packing_of(matrix->type), matrix->cols / GH_QUANTUM);
    uint8_t *place = packed->panels + panel * bytes;
    const size_t first = panel * GH_PANEL_ROWS;
    const size_t rows = matrix->rows - first < GH_PANEL_ROWS ? matrix->rows - first : GH_PANEL_ROWS;
    if (rows < GH_PANEL_ROWS) {
        memset(place, 0, bytes);
    }
#define GH_PACK(type) \
    case type: pack_rows(type, matrix, first, rows, place); break;
    switch (matrix->type) { GH_PACKED_TYPES(GH_PACK) }
#undef GH_PACK
}

// The integer of an element of a block, its zero not yet subtracted.
static int integer_at(gh_packing p, const uint32_t *planes, size_t pair, size_t half) {
    if (p.low_planes == 8) {
        const uint32_t word = planes[(pair / 4 + pair % 2 * 4) * GH_PANEL_ROWS];
        return (int8_t)(word >> (8 * (pair % 4 / 2) + 16 * half));
    }
    int q = planes[pair / 4 * GH_PANEL_ROWS] >> (4 * (pair % 4) + 16 * half) & 15;
    if (p.high_planes == 1) {
        q |= (planes[4 * GH_PANEL_ROWS] >> (pair + 16 * half) & 1) << 4;
    } else if (p.high_planes == 2) {
        q |= (planes[(4 + pair / 8) * GH_PANEL_ROWS] >> (2 * (pair % 8) + 16 * half) & 3) << 4;
    }
    return q;
}

void gh_expand_packed_row(const gh_packed *packed, size_t row, float *out) {
    const gh_packing p = gh_packing_of(packed->type);
    const size_t blocks = packed->cols / GH_QUANTUM;
    const size_t lane = row % GH_PANEL_ROWS;
    const size_t run_blocks = gh_scale_run(p);
    const uint8_t *scales = packed->panels + row / GH_PANEL_ROWS * gh_panel_bytes(p, blocks);
    const uint8_t *planes = scales + gh_scale_bytes(p, blocks);
    for (size_t b = 0; b < blocks; b++) {
        const uint8_t *run = scales + b / run_blocks * gh_scale_run_bytes(p);
        const uint8_t *bytes = run + (p.has_minimum ? 4 : 2) * GH_PANEL_ROWS;
        const float d = gh_load_half(run + 2 * lane);
        const float m = p.has_minimum ? gh_load_half(run + 2 * (GH_PANEL_ROWS + lane)) : 0;
        const uint32_t *block = (const uint32_t *)(planes + b * gh_plane_bytes(p)) + lane;
        for (size_t pair = 0; pair < GH_PAIRS; pair++) {
            for (size_t half = 0; half < 2; half++) {
                const size_t element = gh_pair_element(pair, half);
                const float q = (float)(integer_at(p, block, pair, half) - p.zero);
                float value = d * q;
                if (p.is_halved) {
                    const size_t s = b % run_blocks * 2 + element / 16;
                    value = d * (float)(int8_t)bytes[s * GH_PANEL_ROWS + lane] * q;
                } else if (p.is_super) {
                    const size_t s = b % run_blocks;
                    value = d * (float)bytes[s * GH_PANEL_ROWS + lane] * q
                            - m * (float)bytes[(8 + s) * GH_PANEL_ROWS + lane];
                } else if (p.has_minimum) {
                    value = value + m;
                }
                out[b * GH_QUANTUM + element] = value;
            }
        }
    }
}
