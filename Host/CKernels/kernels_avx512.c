// The path for AVX-512 with VNNI. Functions carry their target: the file compiles without global flags.

#include "floating_point.h"

#include "half.h"
#include "kernels.h"

#if defined(__x86_64__)

#define GH_KERNEL __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))

#include <immintrin.h>

typedef __m512 v16;
typedef __m512i w16;

static inline GH_KERNEL v16 v16_load(const float *p) { return _mm512_loadu_ps(p); }
static inline GH_KERNEL void v16_store(float *p, v16 a) { _mm512_storeu_ps(p, a); }
static inline GH_KERNEL v16 v16_set(float value) { return _mm512_set1_ps(value); }
static inline GH_KERNEL v16 v16_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
static inline GH_KERNEL v16 v16_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
static inline GH_KERNEL v16 v16_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
static inline GH_KERNEL v16 v16_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }
static inline GH_KERNEL v16 v16_max(v16 a, v16 b) { return _mm512_max_ps(a, b); }
static inline GH_KERNEL v16 v16_min(v16 a, v16 b) { return _mm512_min_ps(a, b); }
static inline GH_KERNEL v16 v16_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
static inline GH_KERNEL v16 v16_magnitude(v16 a) { return _mm512_abs_ps(a); }
static inline GH_KERNEL float v16_largest(v16 a) { return _mm512_reduce_max_ps(a); }
static inline GH_KERNEL v16 v16_of_words(w16 a) { return _mm512_cvtepi32_ps(a); }
static inline GH_KERNEL v16 v16_of_halves(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256(p)); }
static inline GH_KERNEL v16 v16_of_bytes(const void *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(p)));
}
static inline GH_KERNEL v16 v16_of_signed_bytes(const void *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p)));
}

static inline GH_KERNEL v16 v16_of_bfloats(const void *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(p)), 16));
}
static inline GH_KERNEL void v16_store_halves(uint16_t *p, v16 a) {
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

// Lanes i and i + 8 first, then ((0+1) + (2+3)) + ((4+5) + (6+7)), as on every path.
static inline GH_KERNEL float v16_sum(v16 a) {
    __m256 pairs = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    pairs = _mm256_hadd_ps(pairs, pairs);
    pairs = _mm256_hadd_ps(pairs, pairs);
    return _mm_cvtss_f32(_mm_add_ss(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}

// p · 2^n, n being the low bits of `shifted`.
static inline GH_KERNEL v16 v16_scale_by_low_bits(v16 p, v16 shifted) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), exponent));
}

static inline GH_KERNEL w16 w16_zero(void) { return _mm512_setzero_si512(); }
static inline GH_KERNEL w16 w16_load(const void *p) { return _mm512_loadu_si512(p); }
static inline GH_KERNEL w16 w16_add(w16 a, w16 b) { return _mm512_add_epi32(a, b); }
static inline GH_KERNEL w16 w16_sub(w16 a, w16 b) { return _mm512_sub_epi32(a, b); }
static inline GH_KERNEL w16 w16_set(int32_t value) { return _mm512_set1_epi32(value); }
static inline GH_KERNEL w16 w16_shifted_down(w16 a, int count) { return _mm512_srai_epi32(a, (unsigned)count); }
static inline GH_KERNEL w16 w16_masked(w16 a, int mask) { return _mm512_and_si512(a, _mm512_set1_epi16((short)mask)); }
static inline GH_KERNEL int w16_total(w16 a) { return _mm512_reduce_add_epi32(a); }
static inline GH_KERNEL w16 w16_rounded(v16 a) { return _mm512_cvtps_epi32(a); }

// The pair at `values` in every lane.
static inline GH_KERNEL w16 w16_broadcast(const int16_t *values) {
    int32_t pair;
    memcpy(&pair, values, sizeof pair);
    w16 lanes = _mm512_set1_epi32(pair);
    // One load for all panels: compilers would fold one into each product.
    __asm__("" : "+v"(lanes));
    return lanes;
}

// sum + the products of both pairs of a lane. Written out, because clang takes the intrinsic apart into products and
// sums, and those out of their registers.
static inline GH_KERNEL w16 w16_dot(w16 sum, w16 a, w16 b) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}

// `count` bits of each half of a lane, from bit `shift` on.
static inline __attribute__((always_inline)) GH_KERNEL w16 w16_bits(w16 a, const int shift, const int count) {
    if (shift + count == 16) {
        return _mm512_srli_epi16(a, shift);
    }
    const w16 mask = _mm512_set1_epi16((short)((1 << count) - 1));
    return _mm512_and_si512(shift ? _mm512_srli_epi32(a, shift) : a, mask);
}

// a | the `count` bits of each half of `b` from bit `shift` on, above the nibbles of a.
static inline __attribute__((always_inline)) GH_KERNEL w16 w16_or_shifted(
    w16 a, w16 b, const int shift, const int count) {
    const w16 mask = _mm512_set1_epi16((short)(((1 << count) - 1) << 4));
    const w16 moved = shift > 4   ? _mm512_srli_epi32(b, shift - 4)
                      : shift < 4 ? _mm512_slli_epi32(b, 4 - shift)
                                  : b;
    return _mm512_ternarylogic_epi32(a, moved, mask, 0xF8);  // a | (moved & mask)
}

static inline GH_KERNEL w16 w16_sub_halves(w16 a, int value) {
    return _mm512_sub_epi16(a, _mm512_set1_epi16((short)value));
}

// Byte `byte` of each half of a lane, with its sign.
static inline __attribute__((always_inline)) GH_KERNEL w16 w16_signed_bytes(w16 a, const int byte) {
    return _mm512_srai_epi16(byte ? a : _mm512_slli_epi16(a, 8), 8);
}

// Elements 0 … 15 and 16 … 31 as sixteen bits each, in the order of pairs. Only a NaN or an infinity can reach -32768.
static inline GH_KERNEL void w16_store_pairs(int16_t *values, w16 a, w16 b) {
    const __m512i order = _mm512_set_epi16(
        31, 29, 15, 13, 30, 28, 14, 12, 27, 25, 11, 9, 26, 24, 10, 8, 23, 21, 7, 5, 22, 20, 6, 4, 19, 17, 3, 1, 18,
        16, 2, 0);
    const __m512i halves = _mm512_inserti64x4(
        _mm512_castsi256_si512(_mm512_cvtsepi32_epi16(a)), _mm512_cvtsepi32_epi16(b), 1);
    const __m512i bounded = _mm512_max_epi16(halves, _mm512_set1_epi16(-GH_QUANTUM_LIMIT));
    _mm512_storeu_si512(values, _mm512_permutexvar_epi16(order, bounded));
}

// 24 of the 32 registers hold the sums of a tile of integers, 16 those of the others.
#define GH_TILE_PANELS 2
#define GH_TILE_TOKENS 6
#define GH_CHAIN_TOKENS 4
#define GH_FLOAT_ROWS 4
#define GH_FLOAT_TOKENS 4
#define GH_TILE_QUERIES 4
#define GH_TILE_VECTORS 4
#define GH_TABLE gh_kernels_avx512
#define GH_TABLE_NAME "cpu (avx512)"
#include "kernels.inc.h"

#endif
