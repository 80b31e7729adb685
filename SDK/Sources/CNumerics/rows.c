#include "gatehouse_numerics.h"
#include "vector.h"

#include <math.h>

/* Lanes that a maximum is sought in side by side. */
enum { LANES = 16 };

/* x Φ(x) = max(x, 0) - |x| erfc(|x| / √2) / 2, so that nothing is lost where x is far below zero. log2 erfc(z) is a
   polynomial by SDK/Scripts/fit_erfc.py, which keeps erfc within 2e-8; beyond 4 it counts as erfc(4), 1.5e-8. */
GN_INLINE float gelu(float x)
{
    float size = fabsf(x);
    float z = size * 0.70710678f;
    z = z > 4.0f ? 4.0f : z;
    float logarithm =
        z * (-1.62790859f + z * (-0.918416381f + z * (-0.148481622f + z * (0.0282536875f + z * (-0.000774635584f + z * (-0.00148943847f + z * (0.000445506827f + z * -4.53585235e-05f)))))));
    return (x > 0.0f ? x : 0.0f) - 0.5f * size * gn_exp2(logarithm);
}

GN_INLINE float hyperbolic_tangent(float x)
{
    float e = gn_exp(-2.0f * fabsf(x));
    return copysignf((1.0f - e) / (1.0f + e), x);
}

GN_INLINE float activated(float x, int32_t function)
{
    switch (function) {
    case GN_GELU: return gelu(x);
    case GN_GELU_TANH: return 0.5f * x * (1.0f + hyperbolic_tangent(0.79788456f * (x + 0.044715f * x * x * x)));
    case GN_QUICK_GELU: return x / (1.0f + gn_exp(-1.702f * x));
    case GN_SILU: return x / (1.0f + gn_exp(-x));
    case GN_RELU: return x > 0.0f ? x : 0.0f;
    case GN_TANH: return hyperbolic_tangent(x);
    case GN_SIGMOID: return 1.0f / (1.0f + gn_exp(-x));
    default: return x;
    }
}

/* A loop for each function, so that none is chosen inside one. */
#define FOR_EACH_FUNCTION(LOOP)                                                                                        \
    switch (function) {                                                                                                \
    case GN_GELU: LOOP(GN_GELU) break;                                                                                 \
    case GN_GELU_TANH: LOOP(GN_GELU_TANH) break;                                                                       \
    case GN_QUICK_GELU: LOOP(GN_QUICK_GELU) break;                                                                     \
    case GN_SILU: LOOP(GN_SILU) break;                                                                                 \
    case GN_RELU: LOOP(GN_RELU) break;                                                                                 \
    case GN_TANH: LOOP(GN_TANH) break;                                                                                 \
    case GN_SIGMOID: LOOP(GN_SIGMOID) break;                                                                           \
    default: LOOP(GN_IDENTITY) break;                                                                                  \
    }

GN_CLONES
void gn_activate(int64_t rows, int64_t columns, float *y, int64_t stride, const float *bias, int32_t function)
{
#define WITH_BIAS(F)                                                                                                   \
    for (int64_t j = 0; j < columns; j++) row[j] = activated(row[j] + bias[j], F);
#define WITHOUT_BIAS(F)                                                                                                \
    for (int64_t j = 0; j < columns; j++) row[j] = activated(row[j], F);
    for (int64_t i = 0; i < rows; i++) {
        float *restrict row = y + i * stride;
        if (bias) {
            FOR_EACH_FUNCTION(WITH_BIAS)
        } else {
            FOR_EACH_FUNCTION(WITHOUT_BIAS)
        }
    }
}

GN_CLONES
void gn_gated(
    int64_t rows, int64_t columns, float *gate, int64_t gate_stride, const float *up, int64_t up_stride,
    int32_t function)
{
#define GATED(F)                                                                                                       \
    for (int64_t j = 0; j < columns; j++) row[j] = activated(row[j], F) * other[j];
    for (int64_t i = 0; i < rows; i++) {
        float *restrict row = gate + i * gate_stride;
        const float *restrict other = up + i * up_stride;
        FOR_EACH_FUNCTION(GATED)
    }
}

GN_CLONES
void gn_layer_norm(
    int64_t rows, int64_t columns, const float *x, int64_t x_stride, const float *weight, const float *bias,
    float epsilon, float *y, int64_t y_stride)
{
#pragma clang fp reassociate(on)
    for (int64_t i = 0; i < rows; i++) {
        const float *row = x + i * x_stride;
        float *out = y + i * y_stride;
        float sum = 0, squares = 0;
        for (int64_t j = 0; j < columns; j++) sum += row[j];
        float mean = sum / (float)columns;
        for (int64_t j = 0; j < columns; j++) squares += (row[j] - mean) * (row[j] - mean);
        float factor = 1.0f / sqrtf(squares / (float)columns + epsilon);
        if (bias)
            for (int64_t j = 0; j < columns; j++) out[j] = (row[j] - mean) * factor * weight[j] + bias[j];
        else
            for (int64_t j = 0; j < columns; j++) out[j] = (row[j] - mean) * factor * weight[j];
    }
}

GN_CLONES
void gn_rms_norm(
    int64_t rows, int64_t columns, const float *x, int64_t x_stride, const float *weight, float epsilon, float *y,
    int64_t y_stride)
{
#pragma clang fp reassociate(on)
    for (int64_t i = 0; i < rows; i++) {
        const float *row = x + i * x_stride;
        float *out = y + i * y_stride;
        float squares = 0;
        for (int64_t j = 0; j < columns; j++) squares += row[j] * row[j];
        float factor = 1.0f / sqrtf(squares / (float)columns + epsilon);
        for (int64_t j = 0; j < columns; j++) out[j] = row[j] * factor * weight[j];
    }
}

/* The running form of softmax: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018). */
GN_CLONES
void gn_softmax_block(
    int64_t rows, int64_t columns, float *scores, int64_t stride, float scale, float *maximum, float *sum,
    float *factor)
{
#pragma clang fp reassociate(on)
    for (int64_t i = 0; i < rows; i++) {
        float *row = scores + i * stride;
        /* Of the scaled scores, since a negative scale turns their order. */
        float most = maximum[i];
        float lanes[LANES];
        for (int l = 0; l < LANES; l++) lanes[l] = most;
        int64_t whole = columns / LANES * LANES;
        for (int64_t j = 0; j < whole; j += LANES)
            for (int l = 0; l < LANES; l++) {
                float value = row[j + l] * scale;
                lanes[l] = value > lanes[l] ? value : lanes[l];
            }
        for (int64_t j = whole; j < columns; j++) lanes[0] = row[j] * scale > lanes[0] ? row[j] * scale : lanes[0];
        for (int l = 0; l < LANES; l++) most = lanes[l] > most ? lanes[l] : most;
        float total = 0;
        for (int64_t j = 0; j < columns; j++) {
            float value = gn_exp(row[j] * scale - most);
            row[j] = value;
            total += value;
        }
        factor[i] = gn_exp(maximum[i] - most);
        sum[i] = sum[i] * factor[i] + total;
        maximum[i] = most;
    }
}

GN_CLONES
void gn_scale_rows(int64_t rows, int64_t columns, float *y, int64_t stride, const float *factors)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) y[i * stride + j] *= factors[i];
}

GN_CLONES
void gn_rotate_halves(
    int64_t rows, int64_t heads, int64_t width, float *x, int64_t stride, const float *cosines, const float *sines)
{
    int64_t half = width / 2;
    for (int64_t i = 0; i < rows; i++) {
        const float *restrict cosine = cosines + i * half, *restrict sine = sines + i * half;
        for (int64_t head = 0; head < heads; head++) {
            float *restrict first = x + i * stride + head * width, *restrict second = first + half;
            for (int64_t j = 0; j < half; j++) {
                float a = first[j], b = second[j];
                first[j] = a * cosine[j] - b * sine[j];
                second[j] = b * cosine[j] + a * sine[j];
            }
        }
    }
}

GN_CLONES
void gn_widen_bfloat16(int64_t count, const void *from, float *to)
{
    const gn_unaligned16 *restrict in = from;
    gn_unaligned32 *restrict out = (gn_unaligned32 *)to;
    for (int64_t i = 0; i < count; i++) out[i] = (uint32_t)in[i] << 16;
}

/* Exponent and mantissa move to float32's place, and a product mends the bias, subnormal numbers included; what has
   the greatest exponent is infinite or no number. */
GN_INLINE float float_of_half(uint32_t half)
{
    float value = gn_float_of_bits((half & 0x7FFFu) << 13) * 0x1p112f;
    uint32_t bits = gn_bits_of_float(value);
    bits |= (half & 0x7C00u) == 0x7C00u ? 0x7F800000u : 0;
    return gn_float_of_bits(bits | (half & 0x8000u) << 16);
}

GN_CLONES
void gn_widen_float16(int64_t count, const void *from, float *to)
{
    const gn_unaligned16 *restrict in = from;
    for (int64_t i = 0; i < count; i++) to[i] = float_of_half(in[i]);
}

GN_CLONES
void gn_widen_q8_0(int64_t blocks, const void *from, float *to)
{
    enum { ELEMENTS = 32 };
    const uint8_t *restrict in = from;
    for (int64_t b = 0; b < blocks; b++, in += 2 + ELEMENTS, to += ELEMENTS) {
        float scale = float_of_half(*(const gn_unaligned16 *)in);
        const int8_t *restrict values = (const int8_t *)in + 2;
        for (int i = 0; i < ELEMENTS; i++) to[i] = (float)values[i] * scale;
    }
}

GN_CLONES
void gn_widen_int8(int64_t count, const void *from, float scale, float *to)
{
    const int8_t *restrict in = from;
    for (int64_t i = 0; i < count; i++) to[i] = (float)in[i] * scale;
}
