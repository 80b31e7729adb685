// IEEE 754 binary16 and bfloat16, in integer arithmetic. Rounds to nearest, ties to even, as VCVTPS2PH does.

#ifndef GH_HALF_H
#define GH_HALF_H

#include <stdint.h>
#include <string.h>

static inline float gh_float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t gh_bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float gh_float_of_half(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t magnitude = half & 0x7FFFu;
    if (magnitude >= 0x7C00u) {  // infinity, or a NaN, which becomes quiet
        const uint32_t quiet = magnitude > 0x7C00u ? 0x00400000u : 0;
        return gh_float_of_bits(sign | 0x7F800000u | quiet | (magnitude & 0x3FFu) << 13);
    }
    if (magnitude < 0x400u) {  // zero or subnormal: a multiple of 2^-24
        const float value = (float)magnitude * 0x1p-24f;
        return sign ? -value : value;
    }
    return gh_float_of_bits(sign | ((magnitude << 13) + (112u << 23)));
}

static inline uint16_t gh_half_of_float(float value) {
    const uint32_t bits = gh_bits_of_float(value);
    const uint32_t sign = bits >> 16 & 0x8000u;
    const uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
        return (uint16_t)(sign | 0x7E00u | (magnitude >> 13 & 0x3FFu));
    }
    if (magnitude >= 0x477FF000u) {  // 65520 and above round to infinity
        return (uint16_t)(sign | 0x7C00u);
    }
    if (magnitude < 0x38800000u) {  // below 2^-14: adding 0.5 leaves the subnormal's bits, rounded
        const float shifted = gh_float_of_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (gh_bits_of_float(shifted) - 0x3F000000u));
    }
    const uint32_t odd = magnitude >> 13 & 1u;
    return (uint16_t)(sign | ((magnitude - (112u << 23) + 0xFFFu + odd) >> 13));
}

static inline uint16_t gh_load_u16(const uint8_t *bytes) {
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline float gh_load_half(const uint8_t *bytes) {
    return gh_float_of_half(gh_load_u16(bytes));
}

#endif
