#include "gatehouse_numerics.h"
#include "vector.h"

#include <math.h>

/* Columns whose sums stay in registers while the taps pass by. */
enum { STEP = 32 };

GN_CLONES
void gn_depthwise(
    int64_t taps, int64_t columns, const float *const *rows, const float *weights, const float *bias, float *y)
{
    int64_t j = 0;
    for (; j + STEP <= columns; j += STEP) {
        float sums[STEP];
        for (int l = 0; l < STEP; l++) sums[l] = bias[j + l];
        for (int64_t k = 0; k < taps; k++) {
            const float *row = rows[k] + j, *weight = weights + k * columns + j;
            for (int l = 0; l < STEP; l++) sums[l] += weight[l] * row[l];
        }
        for (int l = 0; l < STEP; l++) y[j + l] = sums[l];
    }
    for (; j < columns; j++) {
        float sum = bias[j];
        for (int64_t k = 0; k < taps; k++) sum += weights[k * columns + j] * rows[k][j];
        y[j] = sum;
    }
}

/* Complex numbers side by side; each carries two frames, one in its real and one in its imaginary part. */
enum { LANES = GN_FRAMES / 2 };
typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8)));

/* Cooley and Tukey's algorithm with decimation in time, radix 2, in place; `x` [size] of real and imaginary lanes in
   bit-reversed order. */
GN_INLINE void transform(const gn_mel *mel, lanes (*x)[2])
{
    for (int64_t half = 1; half < mel->size; half *= 2) {
        int64_t step = mel->size / (2 * half);
        for (int64_t k = 0; k < half; k++) {
            double cosine = mel->cosines[k * step], sine = mel->sines[k * step];
            for (int64_t first = k; first < mel->size; first += 2 * half) {
                lanes *a = x[first], *b = x[first + half];
                lanes real = b[0] * cosine + b[1] * sine, imaginary = b[1] * cosine - b[0] * sine;
                b[0] = a[0] - real;
                b[1] = a[1] - imaginary;
                a[0] += real;
                a[1] += imaginary;
            }
        }
    }
}

GN_CLONES
void gn_log_mel(
    const gn_mel *mel, int64_t frames, const float *samples, int64_t hop, double *scratch, float *output,
    int64_t stride)
{
    int64_t size = mel->size;
    lanes(*x)[2] = (lanes(*)[2])scratch;
    double *power = scratch + size * GN_FRAMES;
    for (int64_t n = 0; n < size; n++) {
        double *to = (double *)x[mel->reversed[n]];
        for (int64_t f = 0; f < GN_FRAMES; f++)
            to[f] = n < mel->window_length && f < frames ? samples[f * hop + n] * mel->window[n] : 0;
    }
    transform(mel, x);
    /* With z the transform of a + ib: A[k] = (z[k] + z*[size - k]) / 2, iB[k] = (z[k] - z*[size - k]) / 2. */
    for (int64_t k = 0; k <= size / 2; k++) {
        lanes *z = x[k], *w = x[(size - k) % size], *to = (lanes *)(power + k * GN_FRAMES);
        lanes a = z[0] + w[0], b = z[1] - w[1], c = z[0] - w[0], d = z[1] + w[1];
        to[0] = 0.25 * (a * a + b * b);
        to[1] = 0.25 * (c * c + d * d);
    }
    const float *weights = mel->weights;
    for (int64_t band = 0; band < mel->bands; band++) {
        double sums[GN_FRAMES] = {0};
        for (int64_t k = 0; k < mel->counts[band]; k++) {
            const double *row = power + (mel->firsts[band] + k) * GN_FRAMES;
            double weight = weights[k];
            for (int f = 0; f < GN_FRAMES; f++) sums[f] += weight * row[f];
        }
        weights += mel->counts[band];
        for (int64_t f = 0; f < frames; f++) output[f * stride + band] = (float)log(sums[f] + mel->guard);
    }
}
