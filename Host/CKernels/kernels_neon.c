// The path for AArch64, where NEON is everywhere: no product of this path needs an extension.

#include "floating_point.h"

#include "half.h"
#include "kernels.h"

#if defined(__aarch64__)

#define GH_KERNEL

#include <arm_neon.h>

typedef float32x4x4_t v16;

// Sixteen words, lanes in their order; or sixteen pairs of halves, of lanes 0 … 7 and 8 … 15 the first of each pair,
// then the second of each: so a product by one element of an activation pair adds to four whole lanes.
typedef int32x4x4_t w16;

// A function of the quarters of vectors, whatever their types.
#define QUARTERS1(type, f, a) (type){{f((a).val[0]), f((a).val[1]), f((a).val[2]), f((a).val[3])}}
#define QUARTERS2(type, f, a, b)                                                                            \
    (type){{f((a).val[0], (b).val[0]), f((a).val[1], (b).val[1]), f((a).val[2], (b).val[2]), f((a).val[3], (b).val[3])}}
#define QUARTERS3(type, f, a, b, c)                                                                         \
    (type){{f((a).val[0], (b).val[0], (c).val[0]), f((a).val[1], (b).val[1], (c).val[1]),                   \
            f((a).val[2], (b).val[2], (c).val[2]), f((a).val[3], (b).val[3], (c).val[3])}}

// Not the loads and stores of four registers, which have to be neighbours.
static inline v16 v16_load(const float *p) {
    return (v16){{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
}
static inline void v16_store(float *p, v16 a) {
    vst1q_f32(p, a.val[0]);
    vst1q_f32(p + 4, a.val[1]);
    vst1q_f32(p + 8, a.val[2]);
    vst1q_f32(p + 12, a.val[3]);
}
static inline v16 v16_set(float value) {
    const float32x4_t quarter = vdupq_n_f32(value);
    return (v16){{quarter, quarter, quarter, quarter}};
}
static inline v16 v16_add(v16 a, v16 b) { return QUARTERS2(v16, vaddq_f32, a, b); }
static inline v16 v16_sub(v16 a, v16 b) { return QUARTERS2(v16, vsubq_f32, a, b); }
static inline v16 v16_mul(v16 a, v16 b) { return QUARTERS2(v16, vmulq_f32, a, b); }
static inline v16 v16_fma(v16 a, v16 b, v16 c) { return QUARTERS3(v16, vfmaq_f32, c, a, b); }
static inline v16 v16_max(v16 a, v16 b) { return QUARTERS2(v16, vmaxnmq_f32, a, b); }
static inline v16 v16_min(v16 a, v16 b) { return QUARTERS2(v16, vminnmq_f32, a, b); }
static inline v16 v16_div(v16 a, v16 b) { return QUARTERS2(v16, vdivq_f32, a, b); }
static inline v16 v16_magnitude(v16 a) { return QUARTERS1(v16, vabsq_f32, a); }
static inline float v16_largest(v16 a) {
    return vmaxnmvq_f32(vmaxnmq_f32(vmaxnmq_f32(a.val[0], a.val[1]), vmaxnmq_f32(a.val[2], a.val[3])));
}
static inline v16 v16_of_words(w16 a) { return QUARTERS1(v16, vcvtq_f32_s32, a); }

static inline v16 v16_of_halves(const void *p) {
    const uint8_t *bytes = p;
    const float16x8_t a = vreinterpretq_f16_u8(vld1q_u8(bytes)), b = vreinterpretq_f16_u8(vld1q_u8(bytes + 16));
    return (v16){{
        vcvt_f32_f16(vget_low_f16(a)), vcvt_high_f32_f16(a), vcvt_f32_f16(vget_low_f16(b)), vcvt_high_f32_f16(b)}};
}
static inline v16 v16_of_bytes(const void *p) {
    const uint8x16_t bytes = vld1q_u8(p);
    const uint16x8_t a = vmovl_u8(vget_low_u8(bytes)), b = vmovl_high_u8(bytes);
    return (v16){{
        vcvtq_f32_u32(vmovl_u16(vget_low_u16(a))), vcvtq_f32_u32(vmovl_high_u16(a)),
        vcvtq_f32_u32(vmovl_u16(vget_low_u16(b))), vcvtq_f32_u32(vmovl_high_u16(b))}};
}
static inline v16 v16_of_signed_bytes(const void *p) {
    const int8x16_t bytes = vld1q_s8(p);
    const int16x8_t a = vmovl_s8(vget_low_s8(bytes)), b = vmovl_high_s8(bytes);
    return (v16){{
        vcvtq_f32_s32(vmovl_s16(vget_low_s16(a))), vcvtq_f32_s32(vmovl_high_s16(a)),
        vcvtq_f32_s32(vmovl_s16(vget_low_s16(b))), vcvtq_f32_s32(vmovl_high_s16(b))}};
}
static inline v16 v16_of_bfloats(const void *p) {
    const uint8_t *bytes = p;
    const uint16x8_t a = vreinterpretq_u16_u8(vld1q_u8(bytes)), b = vreinterpretq_u16_u8(vld1q_u8(bytes + 16));
    const uint16x8_t zero = vdupq_n_u16(0);
    return (v16){{
        vreinterpretq_f32_u16(vzip1q_u16(zero, a)), vreinterpretq_f32_u16(vzip2q_u16(zero, a)),
        vreinterpretq_f32_u16(vzip1q_u16(zero, b)), vreinterpretq_f32_u16(vzip2q_u16(zero, b))}};
}
static inline void v16_store_halves(uint16_t *p, v16 a) {
    vst1q_u16(p, vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(a.val[0]), a.val[1])));
    vst1q_u16(p + 8, vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(a.val[2]), a.val[3])));
}

// Lanes i and i + 8 first, then ((0+1) + (2+3)) + ((4+5) + (6+7)), as on every path.
static inline float v16_sum(v16 a) {
    const float32x4_t pairs = vpaddq_f32(vaddq_f32(a.val[0], a.val[2]), vaddq_f32(a.val[1], a.val[3]));
    return vpadds_f32(vget_low_f32(vpaddq_f32(pairs, pairs)));
}

static inline float32x4_t scale_by_low_bits4(float32x4_t p, float32x4_t shifted) {
    const int32x4_t exponent = vshlq_n_s32(vreinterpretq_s32_f32(shifted), 23);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), exponent));
}

// p · 2^n, n being the low bits of `shifted`.
static inline v16 v16_scale_by_low_bits(v16 p, v16 shifted) { return QUARTERS2(v16, scale_by_low_bits4, p, shifted); }

static inline w16 w16_add(w16 a, w16 b) { return QUARTERS2(w16, vaddq_s32, a, b); }
static inline w16 w16_sub(w16 a, w16 b) { return QUARTERS2(w16, vsubq_s32, a, b); }
static inline w16 w16_set(int32_t value) {
    const int32x4_t quarter = vdupq_n_s32(value);
    return (w16){{quarter, quarter, quarter, quarter}};
}
static inline w16 w16_zero(void) { return w16_set(0); }
static inline w16 w16_shifted_down(w16 a, int count) { return QUARTERS2(w16, vshlq_s32, a, w16_set(-count)); }
static inline int w16_total(w16 a) {
    return vaddvq_s32(vaddq_s32(vaddq_s32(a.val[0], a.val[1]), vaddq_s32(a.val[2], a.val[3])));
}
static inline w16 w16_rounded(v16 a) { return QUARTERS1(w16, vcvtnq_s32_f32, a); }

static inline w16 w16_load(const void *p) {
    const int16_t *halves = p;
    const int16x8x2_t a = vld2q_s16(halves), b = vld2q_s16(halves + 16);
    return (w16){{
        vreinterpretq_s32_s16(a.val[0]), vreinterpretq_s32_s16(b.val[0]), vreinterpretq_s32_s16(a.val[1]),
        vreinterpretq_s32_s16(b.val[1])}};
}

// The pair at `values`: products read it from the first lane.
static inline w16 w16_broadcast(const int16_t *values) {
    int32_t pair;
    memcpy(&pair, values, sizeof pair);
    return (w16){{{pair}}};
}

// sum + the products of both pairs of a lane.
static inline w16 w16_dot(w16 sum, w16 x, w16 y) {
    const int16x8_t pair = vreinterpretq_s16_s32(y.val[0]);
    const int16x8_t first[2] = {vreinterpretq_s16_s32(x.val[0]), vreinterpretq_s16_s32(x.val[1])};
    const int16x8_t second[2] = {vreinterpretq_s16_s32(x.val[2]), vreinterpretq_s16_s32(x.val[3])};
    for (int i = 0; i < 2; i++) {
        int32x4_t *low = &sum.val[2 * i], *high = &sum.val[2 * i + 1];
        *low = vmlal_laneq_s16(*low, vget_low_s16(first[i]), pair, 0);
        *low = vmlal_laneq_s16(*low, vget_low_s16(second[i]), pair, 1);
        *high = vmlal_high_laneq_s16(*high, first[i], pair, 0);
        *high = vmlal_high_laneq_s16(*high, second[i], pair, 1);
    }
    return sum;
}

static inline w16 w16_set_halves(int value) {
    const int32x4_t quarter = vreinterpretq_s32_s16(vdupq_n_s16((int16_t)value));
    return (w16){{quarter, quarter, quarter, quarter}};
}
static inline w16 w16_masked(w16 x, int mask) { return QUARTERS2(w16, vandq_s32, x, w16_set_halves(mask)); }

static inline int32x4_t shifted8(int32x4_t x, int32x4_t places) {
    return vreinterpretq_s32_u16(vshlq_u16(vreinterpretq_u16_s32(x), vreinterpretq_s16_s32(places)));
}

// Each half of a lane moved up by so many bits, or down.
static inline w16 w16_shifted(w16 x, int up) { return QUARTERS2(w16, shifted8, x, w16_set_halves(up)); }

// `count` bits of each half of a lane, from bit `shift` on.
static inline w16 w16_bits(w16 x, int shift, int count) {
    const w16 moved = w16_shifted(x, -shift);
    return shift + count == 16 ? moved : w16_masked(moved, (1 << count) - 1);
}

static inline int32x4_t selected4(int32x4_t mask, int32x4_t x, int32x4_t y) {
    return vbslq_s32(vreinterpretq_u32_s32(mask), x, y);
}

// x | the `count` bits of each half of `y` from bit `shift` on, above the nibbles of x.
static inline w16 w16_or_shifted(w16 x, w16 y, int shift, int count) {
    return QUARTERS3(w16, selected4, w16_set_halves(((1 << count) - 1) << 4), w16_shifted(y, 4 - shift), x);
}

static inline int32x4_t difference8(int32x4_t x, int32x4_t y) {
    return vreinterpretq_s32_s16(vsubq_s16(vreinterpretq_s16_s32(x), vreinterpretq_s16_s32(y)));
}
static inline w16 w16_sub_halves(w16 x, int value) { return QUARTERS2(w16, difference8, x, w16_set_halves(value)); }

static inline int32x4_t upper_bytes8(int32x4_t x) {
    return vreinterpretq_s32_s16(vshrq_n_s16(vreinterpretq_s16_s32(x), 8));
}

// Byte `byte` of each half of a lane, with its sign.
static inline w16 w16_signed_bytes(w16 x, int byte) {
    return byte ? QUARTERS1(w16, upper_bytes8, x) : QUARTERS1(w16, upper_bytes8, w16_shifted(x, 8));
}

static inline int16x4_t bounded4(int32x4_t x) {
    return vmax_s16(vqmovn_s32(x), vdup_n_s16(-GH_QUANTUM_LIMIT));
}

// Elements 0 … 15 and 16 … 31 as sixteen bits each, in the order of pairs. Only an infinity can reach -32768.
static inline void w16_store_pairs(int16_t *values, w16 x, w16 y) {
    for (int i = 0; i < 4; i++, values += 8) {
        const int16x4_t a = bounded4(x.val[i]), b = bounded4(y.val[i]);
        vst1_s16(values, vuzp1_s16(a, b));
        vst1_s16(values + 4, vuzp2_s16(a, b));
    }
}

// Sums take four registers a vector. Three tokens leave room for their lanes beside the sums of a block, which a fourth
// would send to memory; four queries read their keys once.
#define GH_TILE_PANELS 1
#define GH_TILE_TOKENS 3
#define GH_CHAIN_TOKENS 0
#define GH_FLOAT_ROWS 1
#define GH_FLOAT_TOKENS 4
#define GH_TILE_QUERIES 4
#define GH_TILE_VECTORS 1
#define GH_TABLE gh_kernels_neon
#define GH_TABLE_NAME "cpu (neon)"
#include "kernels.inc.h"

#endif
