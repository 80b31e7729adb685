// The path for any processor: sixteen lanes as an array, which compilers turn into whatever vectors there are.
// Multiplication and addition round separately here, so bits differ from the paths that fuse them.

#include "floating_point.h"

#include <math.h>

#include "half.h"
#include "kernels.h"

#define GH_KERNEL

typedef struct v16 {
    float lane[16];
} v16;

typedef struct w16 {
    uint32_t lane[16];
} w16;

#define LANEWISE(type, expression)    \
    type result;                      \
    for (int i = 0; i < 16; i++) {    \
        result.lane[i] = expression;  \
    }                                 \
    return result

static inline v16 v16_load(const float *p) { LANEWISE(v16, p[i]); }
static inline v16 v16_set(float value) { LANEWISE(v16, value); }
static inline v16 v16_add(v16 a, v16 b) { LANEWISE(v16, a.lane[i] + b.lane[i]); }
static inline v16 v16_sub(v16 a, v16 b) { LANEWISE(v16, a.lane[i] - b.lane[i]); }
static inline v16 v16_mul(v16 a, v16 b) { LANEWISE(v16, a.lane[i] * b.lane[i]); }
static inline v16 v16_fma(v16 a, v16 b, v16 c) { LANEWISE(v16, a.lane[i] * b.lane[i] + c.lane[i]); }
static inline v16 v16_max(v16 a, v16 b) { LANEWISE(v16, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]); }
static inline v16 v16_min(v16 a, v16 b) { LANEWISE(v16, a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]); }
static inline v16 v16_div(v16 a, v16 b) { LANEWISE(v16, a.lane[i] / b.lane[i]); }
static inline v16 v16_magnitude(v16 a) { LANEWISE(v16, fabsf(a.lane[i])); }
static inline v16 v16_of_words(w16 a) { LANEWISE(v16, (float)(int32_t)a.lane[i]); }
static inline v16 v16_of_halves(const void *p) { LANEWISE(v16, gh_load_half((const uint8_t *)p + 2 * i)); }
static inline v16 v16_of_bytes(const void *p) { LANEWISE(v16, (float)((const uint8_t *)p)[i]); }
static inline v16 v16_of_signed_bytes(const void *p) { LANEWISE(v16, (float)((const int8_t *)p)[i]); }
static inline v16 v16_of_bfloats(const void *p) {
    LANEWISE(v16, gh_float_of_bits((uint32_t)gh_load_u16((const uint8_t *)p + 2 * i) << 16));
}

static inline void v16_store(float *p, v16 a) {
    memcpy(p, a.lane, sizeof a.lane);
}

static inline void v16_store_halves(uint16_t *p, v16 a) {
    for (int i = 0; i < 16; i++) {
        p[i] = gh_half_of_float(a.lane[i]);
    }
}

static inline float v16_sum(v16 a) {
    float l[8];
    for (int i = 0; i < 8; i++) {
        l[i] = a.lane[i] + a.lane[i + 8];
    }
    return ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]));
}

// p · 2^n, n being the low bits of `shifted`.
static inline v16 v16_scale_by_low_bits(v16 p, v16 shifted) {
    LANEWISE(v16, gh_float_of_bits(gh_bits_of_float(p.lane[i]) + (gh_bits_of_float(shifted.lane[i]) << 23)));
}

static inline float v16_largest(v16 a) {
    float largest = a.lane[0];
    for (int i = 1; i < 16; i++) {
        largest = a.lane[i] > largest ? a.lane[i] : largest;
    }
    return largest;
}

// The halves of a word are two numbers of sixteen bits.
static inline uint32_t halves(uint32_t low, uint32_t high) { return (low & 0xFFFF) | high << 16; }
static inline int32_t low_half(uint32_t word) { return (int16_t)word; }
static inline int32_t high_half(uint32_t word) { return (int16_t)(word >> 16); }

static inline w16 w16_zero(void) { LANEWISE(w16, 0); }
static inline w16 w16_add(w16 a, w16 b) { LANEWISE(w16, a.lane[i] + b.lane[i]); }

static inline w16 w16_sub(w16 a, w16 b) { LANEWISE(w16, a.lane[i] - b.lane[i]); }
static inline w16 w16_set(int32_t value) { LANEWISE(w16, (uint32_t)value); }
static inline w16 w16_shifted_down(w16 a, int count) { LANEWISE(w16, (uint32_t)((int32_t)a.lane[i] >> count)); }
static inline w16 w16_masked(w16 a, int mask) { LANEWISE(w16, a.lane[i] & halves((uint32_t)mask, (uint32_t)mask)); }

static inline w16 w16_load(const void *p) {
    w16 a;
    memcpy(a.lane, p, sizeof a.lane);
    return a;
}

static inline int w16_total(w16 a) {
    uint32_t total = 0;
    for (int i = 0; i < 16; i++) {
        total += a.lane[i];
    }
    return (int)total;
}

// To the nearest whole number, ties to the even one: adding 1.5 · 2^23 leaves it in the low bits.
static inline w16 w16_rounded(v16 a) {
    LANEWISE(w16, gh_bits_of_float(a.lane[i] + 0x1.8p23f) - gh_bits_of_float(0x1.8p23f));
}

// The pair at `values` in every lane.
static inline w16 w16_broadcast(const int16_t *values) {
    LANEWISE(w16, halves((uint32_t)values[0], (uint32_t)values[1]));
}

// sum + the products of both pairs of a lane.
static inline w16 w16_dot(w16 sum, w16 a, w16 b) {
    LANEWISE(
        w16, sum.lane[i]
                 + (uint32_t)(low_half(a.lane[i]) * low_half(b.lane[i]) + high_half(a.lane[i]) * high_half(b.lane[i])));
}

// `count` bits of each half of a lane, from bit `shift` on.
static inline w16 w16_bits(w16 a, int shift, int count) {
    const uint32_t mask = (1u << count) - 1;
    LANEWISE(w16, a.lane[i] >> shift & (mask | mask << 16));
}

// a | the `count` bits of each half of `b` from bit `shift` on, above the nibbles of a.
static inline w16 w16_or_shifted(w16 a, w16 b, int shift, int count) {
    const uint32_t mask = (1u << count) - 1;
    LANEWISE(w16, a.lane[i] | (b.lane[i] >> shift & (mask | mask << 16)) << 4);
}

static inline w16 w16_sub_halves(w16 a, int value) {
    LANEWISE(w16, halves((uint32_t)(low_half(a.lane[i]) - value), (uint32_t)(high_half(a.lane[i]) - value)));
}

// Byte `byte` of each half of a lane, with its sign.
static inline w16 w16_signed_bytes(w16 a, int byte) {
    LANEWISE(
        w16, halves((uint32_t)(int8_t)(a.lane[i] >> 8 * byte), (uint32_t)(int8_t)(a.lane[i] >> (16 + 8 * byte))));
}

static inline int16_t bounded(uint32_t word) {
    const int32_t value = (int32_t)word;
    return (int16_t)(value > GH_QUANTUM_LIMIT    ? GH_QUANTUM_LIMIT
                     : value < -GH_QUANTUM_LIMIT ? -GH_QUANTUM_LIMIT
                                                 : value);
}

// Elements 0 … 15 and 16 … 31 as sixteen bits each, in the order of pairs.
static inline void w16_store_pairs(int16_t *values, w16 a, w16 b) {
    for (size_t pair = 0; pair < GH_PAIRS; pair++) {
        for (size_t half = 0; half < 2; half++) {
            const size_t element = gh_pair_element(pair, half);
            values[2 * pair + half] = bounded(element < 16 ? a.lane[element] : b.lane[element - 16]);
        }
    }
}

#define GH_NO_TILES
#define GH_TILE_PANELS 1
#define GH_TILE_TOKENS 4
#define GH_CHAIN_TOKENS 0
#define GH_FLOAT_ROWS 1
#define GH_FLOAT_TOKENS 4
#define GH_TILE_QUERIES 1
#define GH_TILE_VECTORS 1
#define GH_TABLE gh_kernels_portable
#define GH_TABLE_NAME "cpu (portable)"
#include "kernels.inc.h"
