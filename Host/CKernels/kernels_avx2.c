// The path for AVX2, FMA and F16C. Functions carry their target: the file compiles without global flags.

#include "floating_point.h"

#include "half.h"
#include "kernels.h"

#if defined(__x86_64__)

#define GH_KERNEL __attribute__((target("avx2,fma,f16c")))

#include <immintrin.h>

typedef struct v16 {
    __m256 a, b;
} v16;

typedef struct w16 {
    __m256i a, b;
} w16;

static inline GH_KERNEL v16 v16_load(const float *p) { return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
static inline GH_KERNEL void v16_store(float *p, v16 a) {
    _mm256_storeu_ps(p, a.a);
    _mm256_storeu_ps(p + 8, a.b);
}
static inline GH_KERNEL v16 v16_set(float value) { return (v16){_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
static inline GH_KERNEL v16 v16_add(v16 x, v16 y) {
    return (v16){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
}
static inline GH_KERNEL v16 v16_sub(v16 x, v16 y) {
    return (v16){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
}
static inline GH_KERNEL v16 v16_mul(v16 x, v16 y) {
    return (v16){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
}
static inline GH_KERNEL v16 v16_fma(v16 x, v16 y, v16 z) {
    return (v16){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
static inline GH_KERNEL v16 v16_max(v16 x, v16 y) {
    return (v16){_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)};
}
static inline GH_KERNEL v16 v16_min(v16 x, v16 y) {
    return (v16){_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)};
}
static inline GH_KERNEL v16 v16_div(v16 x, v16 y) {
    return (v16){_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)};
}
static inline GH_KERNEL v16 v16_magnitude(v16 x) {
    const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
    return (v16){_mm256_and_ps(x.a, mask), _mm256_and_ps(x.b, mask)};
}
static inline GH_KERNEL float v16_largest(v16 x) {
    const __m256 eight = _mm256_max_ps(x.a, x.b);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}
static inline GH_KERNEL v16 v16_of_words(w16 x) {
    return (v16){_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)};
}
static inline GH_KERNEL v16 v16_of_halves(const void *p) {
    const __m128i *halves = p;
    return (v16){_mm256_cvtph_ps(_mm_loadu_si128(halves)), _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};
}
static inline GH_KERNEL v16 v16_of_bytes(const void *p) {
    const __m128i bytes = _mm_loadu_si128(p);
    return (v16){
        _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
        _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)))};
}
static inline GH_KERNEL v16 v16_of_signed_bytes(const void *p) {
    const __m128i bytes = _mm_loadu_si128(p);
    return (v16){
        _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
        _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
}

static inline GH_KERNEL __m256 floats_of_bfloats8(const __m128i *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p)), 16));
}
static inline GH_KERNEL v16 v16_of_bfloats(const void *p) {
    const __m128i *bfloats = p;
    return (v16){floats_of_bfloats8(bfloats), floats_of_bfloats8(bfloats + 1)};
}
static inline GH_KERNEL void v16_store_halves(uint16_t *p, v16 x) {
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((__m128i *)p + 1, _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT));
}

// Lanes i and i + 8 first, then ((0+1) + (2+3)) + ((4+5) + (6+7)), as on every path.
static inline GH_KERNEL float v16_sum(v16 x) {
    __m256 pairs = _mm256_add_ps(x.a, x.b);
    pairs = _mm256_hadd_ps(pairs, pairs);
    pairs = _mm256_hadd_ps(pairs, pairs);
    return _mm_cvtss_f32(_mm_add_ss(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}

static inline GH_KERNEL __m256 scale_by_low_bits8(__m256 p, __m256 shifted) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
}

// p · 2^n, n being the low bits of `shifted`.
static inline GH_KERNEL v16 v16_scale_by_low_bits(v16 p, v16 shifted) {
    return (v16){scale_by_low_bits8(p.a, shifted.a), scale_by_low_bits8(p.b, shifted.b)};
}

static inline GH_KERNEL w16 w16_zero(void) { return (w16){_mm256_setzero_si256(), _mm256_setzero_si256()}; }
static inline GH_KERNEL w16 w16_load(const void *p) {
    const __m256i *words = p;
    return (w16){_mm256_loadu_si256(words), _mm256_loadu_si256(words + 1)};
}
static inline GH_KERNEL w16 w16_add(w16 x, w16 y) {
    return (w16){_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
}
static inline GH_KERNEL w16 w16_sub(w16 x, w16 y) {
    return (w16){_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)};
}
static inline GH_KERNEL w16 w16_set(int32_t value) {
    return (w16){_mm256_set1_epi32(value), _mm256_set1_epi32(value)};
}
static inline GH_KERNEL w16 w16_shifted_down(w16 x, int count) {
    return (w16){_mm256_srai_epi32(x.a, count), _mm256_srai_epi32(x.b, count)};
}
static inline GH_KERNEL w16 w16_masked(w16 x, int mask) {
    const __m256i halves = _mm256_set1_epi16((short)mask);
    return (w16){_mm256_and_si256(x.a, halves), _mm256_and_si256(x.b, halves)};
}
static inline GH_KERNEL int w16_total(w16 x) {
    const __m256i eight = _mm256_add_epi32(x.a, x.b);
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}
static inline GH_KERNEL w16 w16_rounded(v16 x) { return (w16){_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }

// The pair at `values` in every lane.
static inline GH_KERNEL w16 w16_broadcast(const int16_t *values) {
    int32_t pair;
    memcpy(&pair, values, sizeof pair);
    const __m256i lanes = _mm256_set1_epi32(pair);
    return (w16){lanes, lanes};
}

// Written out, because clang reorders the sums that it understands until they leave their registers.
static inline GH_KERNEL __m256i dot8(__m256i sum, __m256i x, __m256i y) {
    __m256i products;
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(products) : "x"(x), "x"(y));
    return sum;
}

// sum + the products of both pairs of a lane.
static inline GH_KERNEL w16 w16_dot(w16 sum, w16 x, w16 y) { return (w16){dot8(sum.a, x.a, y.a), dot8(sum.b, x.b, y.b)}; }

// `count` bits of each half of a lane, from bit `shift` on.
static inline __attribute__((always_inline)) GH_KERNEL w16 w16_bits(w16 x, const int shift, const int count) {
    if (shift + count == 16) {
        return (w16){_mm256_srli_epi16(x.a, shift), _mm256_srli_epi16(x.b, shift)};
    }
    const __m256i mask = _mm256_set1_epi16((short)((1 << count) - 1));
    return (w16){
        _mm256_and_si256(_mm256_srli_epi32(x.a, shift), mask), _mm256_and_si256(_mm256_srli_epi32(x.b, shift), mask)};
}

// x | the `count` bits of each half of `y` from bit `shift` on, above the nibbles of x.
static inline __attribute__((always_inline)) GH_KERNEL w16 w16_or_shifted(
    w16 x, w16 y, const int shift, const int count) {
    const __m256i mask = _mm256_set1_epi16((short)(((1 << count) - 1) << 4));
    const int up = shift < 4 ? 4 - shift : 0, down = shift > 4 ? shift - 4 : 0;
    const __m256i a = _mm256_and_si256(_mm256_srli_epi32(_mm256_slli_epi32(y.a, up), down), mask);
    const __m256i b = _mm256_and_si256(_mm256_srli_epi32(_mm256_slli_epi32(y.b, up), down), mask);
    return (w16){_mm256_or_si256(x.a, a), _mm256_or_si256(x.b, b)};
}

static inline GH_KERNEL w16 w16_sub_halves(w16 x, int value) {
    const __m256i halves = _mm256_set1_epi16((short)value);
    return (w16){_mm256_sub_epi16(x.a, halves), _mm256_sub_epi16(x.b, halves)};
}

// Byte `byte` of each half of a lane, with its sign.
static inline __attribute__((always_inline)) GH_KERNEL w16 w16_signed_bytes(w16 x, const int byte) {
    const __m256i a = byte ? x.a : _mm256_slli_epi16(x.a, 8);
    const __m256i b = byte ? x.b : _mm256_slli_epi16(x.b, 8);
    return (w16){_mm256_srai_epi16(a, 8), _mm256_srai_epi16(b, 8)};
}

// Sixteen words as sixteen bits each, in order, and in each four the middle two exchanged.
static inline GH_KERNEL __m256i packed_halves(w16 x) {
    const __m256i order = _mm256_setr_epi8(
        0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
    // Packing works within 128-bit halves; the permutation puts the groups of four back in order.
    const __m256i halves = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), _MM_SHUFFLE(3, 1, 2, 0));
    return _mm256_shuffle_epi8(_mm256_max_epi16(halves, _mm256_set1_epi16(-GH_QUANTUM_LIMIT)), order);
}

// Elements 0 … 15 and 16 … 31 as sixteen bits each, in the order of pairs. Only a NaN or an infinity can reach -32768.
static inline GH_KERNEL void w16_store_pairs(int16_t *values, w16 x, w16 y) {
    const __m256i first = packed_halves(x), second = packed_halves(y);
    const __m256i low = _mm256_unpacklo_epi32(first, second), high = _mm256_unpackhi_epi32(first, second);
    _mm256_storeu_si256((__m256i *)values, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256((__m256i *)(values + 16), _mm256_permute2x128_si256(low, high, 0x31));
}

// Eight of the sixteen registers hold sums, two to a vector.
#define GH_TILE_PANELS 1
#define GH_TILE_TOKENS 4
#define GH_CHAIN_TOKENS 1
#define GH_FLOAT_ROWS 1
#define GH_FLOAT_TOKENS 4
#define GH_TILE_QUERIES 2
#define GH_TILE_VECTORS 2
#define GH_TABLE gh_kernels_avx2
#define GH_TABLE_NAME "cpu (avx2)"
#include "kernels.inc.h"

#endif
