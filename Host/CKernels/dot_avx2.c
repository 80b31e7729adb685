// Integer dot products of Q4_0, Q4_1 and Q8_0 weights with quantised activations.
//
// A block of 32 weights w = d·q + m against 32 activations s·a gives d·s·Σ q·a + m·s·Σ a. Each of eight lanes
// sums four of the products as integers; then lane = fma(d·s, sum, lane) and, for a minimum, lane =
// fma(m, s·Σa / 8, lane), block after block. The eight lanes are added once, at the end of the row. A dot
// goes through exactly these steps at every tile size.

#include "floating_point.h"

#include <math.h>

#include "half.h"
#include "kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define INLINE static inline __attribute__((always_inline)) AVX2

typedef enum packing { Q4_0, Q4_1, Q8_0 } packing;

INLINE size_t block_bytes(packing format) {
    return format == Q4_0 ? 18 : format == Q4_1 ? 20 : 34;
}

INLINE float half_at(const uint8_t *bytes) {
    return _cvtsh_ss(gh_load_u16(bytes));
}

// Sixteen bytes of nibbles: low nibbles are elements 0 … 15, high ones 16 … 31.
INLINE __m256i nibbles_at(const uint8_t *bytes) {
    const __m128i packed = _mm_loadu_si128((const __m128i *)bytes);
    const __m128i shifted = _mm_srli_epi16(packed, 4);
    const __m256i spread = _mm256_inserti128_si256(_mm256_castsi128_si256(packed), shifted, 1);
    return _mm256_and_si256(spread, _mm256_set1_epi8(15));
}

INLINE __m256i weights_at(packing format, const uint8_t *block) {
    if (format == Q8_0) {
        return _mm256_loadu_si256((const __m256i *)(block + 2));
    }
    return nibbles_at(block + (format == Q4_0 ? 2 : 4));
}

// Eight sums of four neighbouring products. The instruction wants one unsigned factor: nibbles are, and a
// Q8_0 weight moves its sign to the activation. Sixteen-bit sums cannot saturate: at most 2 · 128 · 127.
INLINE __m256i products(packing format, __m256i weights, __m256i activations) {
    __m256i pairs;
    if (format == Q8_0) {
        pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(activations, weights));
    } else {
        pairs = _mm256_maddubs_epi16(weights, activations);
    }
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

INLINE float sum_of_lanes(__m256 a) {
    __m256 pairs = _mm256_hadd_ps(a, a);
    pairs = _mm256_hadd_ps(pairs, pairs);
    return _mm_cvtss_f32(_mm_add_ss(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}

// R weight rows against the tokens first … first + T - 1.
INLINE void tile(
    const packing format, const uint8_t *weights, const gh_activations *x, size_t first, const int R,
    const int T, gh_output out) {
    const size_t blocks = x->cols / GH_QUANTUM;
    const size_t row_bytes = blocks * block_bytes(format);
    const int8_t *values = x->quantized.values + first * x->cols;
    const float *scales = x->quantized.scales + first * blocks;
    const float *eighths = x->quantized.eighths + first * blocks;
    __m256 sums[8];
    for (int i = 0; i < R * T; i++) {
        sums[i] = _mm256_setzero_ps();
    }
    for (size_t b = 0; b < blocks; b++) {
        __m256i w[4];
        __m256 d[4], m[4];
        for (int r = 0; r < R; r++) {
            const uint8_t *block = weights + r * row_bytes + b * block_bytes(format);
            w[r] = weights_at(format, block);
            const float scale = half_at(block);
            d[r] = _mm256_set1_ps(scale);
            if (format == Q4_0) {
                m[r] = _mm256_set1_ps(-8.0f * scale);
            } else if (format == Q4_1) {
                m[r] = _mm256_set1_ps(half_at(block + 2));
            }
        }
        for (int t = 0; t < T; t++) {
            const __m256i a = _mm256_loadu_si256((const __m256i *)(values + t * x->cols + b * GH_QUANTUM));
            const __m256 s = _mm256_set1_ps(scales[t * blocks + b]);
            const __m256 eighth = _mm256_set1_ps(eighths[t * blocks + b]);
            for (int r = 0; r < R; r++) {
                const __m256 sum = _mm256_cvtepi32_ps(products(format, w[r], a));
                __m256 *lanes = &sums[r * T + t];
                *lanes = _mm256_fmadd_ps(_mm256_mul_ps(d[r], s), sum, *lanes);
                if (format != Q8_0) {
                    *lanes = _mm256_fmadd_ps(m[r], eighth, *lanes);
                }
            }
        }
    }
    for (int r = 0; r < R; r++) {
        for (int t = 0; t < T; t++) {
            const float dot = sum_of_lanes(sums[r * T + t]);
            float *place = out.data + t * out.stride + r;
            *place = out.add ? *place + dot : dot;
        }
    }
}

// Bytes of weights to ask for ahead of a single token's pass, which is bound by memory.
enum { AHEAD = 2048 };

INLINE void panel(
    const packing format, const uint8_t *weights, size_t rows, const gh_activations *x, gh_output out) {
    const size_t row_bytes = x->cols / GH_QUANTUM * block_bytes(format);
    size_t t = 0;
    for (; t + 4 <= x->tokens; t += 4) {
        gh_output place = {out.data + t * out.stride, out.stride, out.add};
        size_t r = 0;
        for (; r + 2 <= rows; r += 2, place.data += 2) {
            tile(format, weights + r * row_bytes, x, t, 2, 4, place);
        }
        for (; r < rows; r++, place.data++) {
            tile(format, weights + r * row_bytes, x, t, 1, 4, place);
        }
    }
    for (; t < x->tokens; t++) {
        gh_output place = {out.data + t * out.stride, out.stride, out.add};
        size_t r = 0;
        for (; r + 4 <= rows; r += 4, place.data += 4) {
            const uint8_t *row = weights + r * row_bytes;
            for (size_t byte = 0; byte < 4 * row_bytes; byte += 64) {
                _mm_prefetch((const char *)row + AHEAD + byte, _MM_HINT_T0);
            }
            tile(format, row, x, t, 4, 1, place);
        }
        for (; r < rows; r++, place.data++) {
            tile(format, weights + r * row_bytes, x, t, 1, 1, place);
        }
    }
}

AVX2 void gh_panel_q4_0_avx2(const uint8_t *weights, size_t rows, const gh_activations *x, gh_output out) {
    panel(Q4_0, weights, rows, x, out);
}

AVX2 void gh_panel_q4_1_avx2(const uint8_t *weights, size_t rows, const gh_activations *x, gh_output out) {
    panel(Q4_1, weights, rows, x, out);
}

AVX2 void gh_panel_q8_0_avx2(const uint8_t *weights, size_t rows, const gh_activations *x, gh_output out) {
    panel(Q8_0, weights, rows, x, out);
}

// One block of 32: the largest magnitude becomes 127. A block below 1e-30 counts as zero, before the
// reciprocal of its scale overflows.
INLINE void quantize_block(const float *in, int8_t *values, float *scale, float *eighth) {
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
    __m256 x[4];
    __m256 largest = _mm256_setzero_ps();
    for (int i = 0; i < 4; i++) {
        x[i] = _mm256_loadu_ps(in + 8 * i);
        largest = _mm256_max_ps(largest, _mm256_and_ps(x[i], magnitude));
    }
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    four = _mm_max_ss(four, _mm_movehdup_ps(four));
    const float maximum = _mm_cvtss_f32(four);
    const float inverse = maximum > 1e-30f ? 127.0f / maximum : 0.0f;
    *scale = maximum > 1e-30f ? maximum / 127.0f : 0.0f;

    __m256i q[4];
    __m256i sum = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++) {
        q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(x[i], _mm256_set1_ps(inverse)));
        sum = _mm256_add_epi32(sum, q[i]);
    }
    // Packing works within 128-bit halves; the permutation puts the groups of four back in order.
    const __m256i low = _mm256_packs_epi32(q[0], q[1]);
    const __m256i high = _mm256_packs_epi32(q[2], q[3]);
    __m256i bytes = _mm256_packs_epi16(low, high);
    bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    // Only a NaN or an infinity can reach -128.
    bytes = _mm256_max_epi8(bytes, _mm256_set1_epi8(-127));
    _mm256_storeu_si256((__m256i *)values, bytes);

    __m128i total = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    total = _mm_add_epi32(total, _mm_shuffle_epi32(total, 0x4E));
    total = _mm_add_epi32(total, _mm_shuffle_epi32(total, 0xB1));
    *eighth = *scale * (float)_mm_cvtsi128_si32(total) * 0.125f;
}

AVX2 void gh_quantize_avx2(const float *row, size_t cols, int8_t *values, float *scales, float *eighths) {
    for (size_t b = 0; b < cols / GH_QUANTUM; b++) {
        quantize_block(row + b * GH_QUANTUM, values + b * GH_QUANTUM, &scales[b], &eighths[b]);
    }
}

#endif
