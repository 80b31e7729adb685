/* What the loops share. */

#ifndef GATEHOUSE_NUMERICS_VECTOR_H
#define GATEHOUSE_NUMERICS_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#define GN_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GN_CLONES
#endif
#define GN_INLINE static inline __attribute__((always_inline))

typedef uint16_t __attribute__((aligned(1), may_alias)) gn_unaligned16;
typedef uint32_t __attribute__((aligned(1), may_alias)) gn_unaligned32;

GN_INLINE float gn_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

GN_INLINE uint32_t gn_bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* exp(x) = 2^n · exp(r), n the integer nearest to x / ln 2, |r| ≤ ln 2 / 2, exp(r) by its series to the seventh power:
   within 2e-7 of the value, relatively. Where exp(x) is no normal number x counts as -87.3 or 88. */
GN_INLINE float gn_exp(float x)
{
    x = x < -87.3f ? -87.3f : x;
    x = x > 88.0f ? 88.0f : x;
    /* Adding 1.5 · 2^23 rounds to an integer, which then stands in the low bits. */
    float shifted = x * 1.44269504f + 12582912.0f;
    float n = shifted - 12582912.0f;
    /* ln 2 in two parts, the first short enough for n times it to be exact. */
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float series =
        1.0f + r * (1.0f + r * (0.5f + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720 + r * (1.0f / 5040)))))));
    return series * gn_float_of_bits((gn_bits_of_float(shifted) + 127u) << 23);
}

/* 2^x likewise, for -126 ≤ x ≤ 127. */
GN_INLINE float gn_exp2(float x)
{
    float shifted = x + 12582912.0f;
    float r = x - (shifted - 12582912.0f);
    float series =
        1.0f + r * (0.693147181f + r * (0.240226507f + r * (0.0555041087f + r * (0.00961812911f + r * (0.00133335581f + r * (0.000154035304f + r * 1.52527338e-05f))))));
    return series * gn_float_of_bits((gn_bits_of_float(shifted) + 127u) << 23);
}

#endif
