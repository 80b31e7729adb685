#include "gatehouse_numerics.h"
#include "vector.h"

GN_INLINE uint8_t clamped(int32_t value, int fraction)
{
    value >>= fraction;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

GN_CLONES
void gn_blend_rows(
    int64_t columns, const uint8_t *input, int64_t stride, int64_t taps, const int32_t *weights, int fraction,
    uint8_t *output)
{
    enum { BLOCK = 256 };
    int32_t sums[BLOCK];
    for (int64_t start = 0; start < columns; start += BLOCK) {
        int64_t count = columns - start < BLOCK ? columns - start : BLOCK;
        for (int64_t j = 0; j < count; j++) sums[j] = 1 << (fraction - 1);
        for (int64_t k = 0; k < taps; k++) {
            const uint8_t *restrict row = input + k * stride + start;
            for (int64_t j = 0; j < count; j++) sums[j] += weights[k] * row[j];
        }
        for (int64_t j = 0; j < count; j++) output[start + j] = clamped(sums[j], fraction);
    }
}

void gn_blend_pixels(
    int64_t pixels, int64_t channels, const uint8_t *input, const int32_t *firsts, const int32_t *counts, int64_t most,
    const int32_t *weights, int fraction, uint8_t *output)
{
    for (int64_t i = 0; i < pixels; i++) {
        const uint8_t *first = input + firsts[i] * channels;
        const int32_t *weight = weights + i * most;
        if (channels == 3) {
            int32_t red = 1 << (fraction - 1), green = red, blue = red;
            for (int32_t k = 0; k < counts[i]; k++) {
                red += weight[k] * first[3 * k];
                green += weight[k] * first[3 * k + 1];
                blue += weight[k] * first[3 * k + 2];
            }
            output[3 * i] = clamped(red, fraction);
            output[3 * i + 1] = clamped(green, fraction);
            output[3 * i + 2] = clamped(blue, fraction);
            continue;
        }
        for (int64_t c = 0; c < channels; c++) {
            int32_t sum = 1 << (fraction - 1);
            for (int32_t k = 0; k < counts[i]; k++) sum += weight[k] * first[channels * k + c];
            output[channels * i + c] = clamped(sum, fraction);
        }
    }
}
