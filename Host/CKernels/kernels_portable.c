// The path for any processor: eight lanes as an array, which compilers turn into whatever vectors there are.
// Multiplication and addition round separately here, so bits differ from the paths that fuse them.

#include "floating_point.h"

#include "half.h"
#include "kernels.h"

#define GH_KERNEL

typedef struct v8 {
    float lane[8];
} v8;

#define LANEWISE(expression)          \
    v8 result;                        \
    for (int i = 0; i < 8; i++) {     \
        result.lane[i] = expression;  \
    }                                 \
    return result

static inline v8 v8_load(const float *p) { LANEWISE(p[i]); }
static inline v8 v8_set(float value) { LANEWISE(value); }
static inline v8 v8_add(v8 a, v8 b) { LANEWISE(a.lane[i] + b.lane[i]); }
static inline v8 v8_sub(v8 a, v8 b) { LANEWISE(a.lane[i] - b.lane[i]); }
static inline v8 v8_mul(v8 a, v8 b) { LANEWISE(a.lane[i] * b.lane[i]); }
static inline v8 v8_div(v8 a, v8 b) { LANEWISE(a.lane[i] / b.lane[i]); }
static inline v8 v8_fma(v8 a, v8 b, v8 c) { LANEWISE(a.lane[i] * b.lane[i] + c.lane[i]); }
static inline v8 v8_max(v8 a, v8 b) { LANEWISE(a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]); }
static inline v8 v8_min(v8 a, v8 b) { LANEWISE(a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]); }

static inline void v8_store(float *p, v8 a) {
    memcpy(p, a.lane, sizeof a.lane);
}

static inline float v8_sum(v8 a) {
    const float *l = a.lane;
    return ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]));
}

// p · 2^n, n being the low bits of `shifted`.
static inline v8 v8_scale_by_low_bits(v8 p, v8 shifted) {
    LANEWISE(gh_float_of_bits(gh_bits_of_float(p.lane[i]) + (gh_bits_of_float(shifted.lane[i]) << 23)));
}

#include "float_kernels.inc.h"

static void floats_of_halves(const uint8_t *halves, size_t count, float *floats) {
    for (size_t i = 0; i < count; i++) {
        floats[i] = gh_load_half(halves + 2 * i);
    }
}

static void halves_of_floats(const float *floats, size_t count, uint16_t *halves) {
    for (size_t i = 0; i < count; i++) {
        halves[i] = gh_half_of_float(floats[i]);
    }
}

const gh_kernels gh_kernels_portable = {
    .name = "cpu (portable)",
    .float_panel = float_panel,
    .floats_of_halves = floats_of_halves,
    .halves_of_floats = halves_of_floats,
    .rms_norm = rms_norm,
    .swiglu = swiglu,
    .attend_page = attend_page,
    .attend_finish = attend_finish,
};
