// The path for AVX2, FMA and F16C. Functions carry their target: the file compiles without global flags.

#include "floating_point.h"

#include "half.h"
#include "kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define GH_KERNEL __attribute__((target("avx2,fma,f16c")))

typedef __m256 v8;

static inline GH_KERNEL v8 v8_load(const float *p) { return _mm256_loadu_ps(p); }
static inline GH_KERNEL void v8_store(float *p, v8 a) { _mm256_storeu_ps(p, a); }
static inline GH_KERNEL v8 v8_set(float value) { return _mm256_set1_ps(value); }
static inline GH_KERNEL v8 v8_add(v8 a, v8 b) { return _mm256_add_ps(a, b); }
static inline GH_KERNEL v8 v8_sub(v8 a, v8 b) { return _mm256_sub_ps(a, b); }
static inline GH_KERNEL v8 v8_mul(v8 a, v8 b) { return _mm256_mul_ps(a, b); }
static inline GH_KERNEL v8 v8_div(v8 a, v8 b) { return _mm256_div_ps(a, b); }
static inline GH_KERNEL v8 v8_fma(v8 a, v8 b, v8 c) { return _mm256_fmadd_ps(a, b, c); }
static inline GH_KERNEL v8 v8_max(v8 a, v8 b) { return _mm256_max_ps(a, b); }
static inline GH_KERNEL v8 v8_min(v8 a, v8 b) { return _mm256_min_ps(a, b); }

// ((0+1) + (2+3)) + ((4+5) + (6+7)), as on every path.
static inline GH_KERNEL float v8_sum(v8 a) {
    __m256 pairs = _mm256_hadd_ps(a, a);
    pairs = _mm256_hadd_ps(pairs, pairs);
    return _mm_cvtss_f32(_mm_add_ss(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}

// p · 2^n, n being the low bits of `shifted`.
static inline GH_KERNEL v8 v8_scale_by_low_bits(v8 p, v8 shifted) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
}

#include "float_kernels.inc.h"

static GH_KERNEL void floats_of_halves(const uint8_t *halves, size_t count, float *floats) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        v8_store(floats + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + 2 * i))));
    }
    for (; i < count; i++) {
        floats[i] = gh_load_half(halves + 2 * i);
    }
}

static GH_KERNEL void halves_of_floats(const float *floats, size_t count, uint16_t *halves) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m128i eight = _mm256_cvtps_ph(v8_load(floats + i), _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128((__m128i *)(halves + i), eight);
    }
    for (; i < count; i++) {
        halves[i] = gh_half_of_float(floats[i]);
    }
}

const gh_kernels gh_kernels_avx2 = {
    .name = "cpu (avx2)",
    .q4_0 = gh_panel_q4_0_avx2,
    .q4_1 = gh_panel_q4_1_avx2,
    .q8_0 = gh_panel_q8_0_avx2,
    .quantize = gh_quantize_avx2,
    .float_panel = float_panel,
    .floats_of_halves = floats_of_halves,
    .halves_of_floats = halves_of_floats,
    .rms_norm = rms_norm,
    .swiglu = swiglu,
    .attend_page = attend_page,
    .attend_finish = attend_finish,
};

#endif
