/* Loops over rows of float32 that the Swift side cannot vectorise for the processor it runs on. Each is compiled for
   several processors and picks its form when the library is loaded.

   Matrices are row-major; `stride` is elements from row to row. None of these allocates, keeps state or fails; all may run
   on several threads at once on different rows. */

#ifndef GATEHOUSE_NUMERICS_H
#define GATEHOUSE_NUMERICS_H

#include <stdint.h>

enum {
    GN_IDENTITY = 0,
    GN_GELU = 1,      /* x Φ(x), to 1e-7 of |x| */
    GN_GELU_TANH = 2, /* its approximation by tanh */
    GN_QUICK_GELU = 3,  /* x / (1 + exp(-1.702 x)) */
    GN_SILU = 4,      /* x / (1 + exp(-x)) */
    GN_RELU = 5,
    GN_TANH = 6,
    GN_SIGMOID = 7, /* 1 / (1 + exp(-x)) */
};

/* Columns of a panel, which the right side of a product lies in: panel after panel, each [inner, GN_PANEL], the last
   filled up with zeros. */
enum { GN_PANEL = 32 };

/* Panels of b, [inner, columns]; `packed` has room for the columns rounded up to whole panels. */
void gn_pack(int64_t columns, int64_t inner, const float *b, int64_t stride, float *packed);

/* Panels of b transposed; `b` [columns, inner]. */
void gn_pack_transposed(int64_t columns, int64_t inner, const float *b, int64_t stride, float *packed);

/* c = a b, or added to what is there if `keep`; `a` [rows, inner], `b` in panels, `c` [rows, columns]. An element's bits
   depend on its row of a and its column of b alone. */
void gn_multiply(
    int64_t rows, int64_t inner, int64_t columns, const float *a, int64_t a_stride, const float *b, float *c,
    int64_t c_stride, int32_t keep);

/* y = f(y + bias); `bias` [columns] or NULL. */
void gn_activate(int64_t rows, int64_t columns, float *y, int64_t stride, const float *bias, int32_t function);

/* gate = f(gate) * up. */
void gn_gated(
    int64_t rows, int64_t columns, float *gate, int64_t gate_stride, const float *up, int64_t up_stride,
    int32_t function);

/* y = (x - mean) / sqrt(variance + epsilon) * weight + bias; the moments are of each row. `bias` may be NULL. */
void gn_layer_norm(
    int64_t rows, int64_t columns, const float *x, int64_t x_stride, const float *weight, const float *bias,
    float epsilon, float *y, int64_t y_stride);

/* y = x / sqrt(mean of squares + epsilon) * weight. */
void gn_rms_norm(
    int64_t rows, int64_t columns, const float *x, int64_t x_stride, const float *weight, float epsilon, float *y,
    int64_t y_stride);

/* One block of keys of a softmax over many: scores become exp(scale * score - maximum), `maximum` and `sum` [rows] go
   on from the blocks before (-INFINITY and 0 at first), and `factor` [rows] is what earlier results are to be
   multiplied by. */
void gn_softmax_block(
    int64_t rows, int64_t columns, float *scores, int64_t stride, float scale, float *maximum, float *sum,
    float *factor);

/* y[i] *= factors[i], for each row i. */
void gn_scale_rows(int64_t rows, int64_t columns, float *y, int64_t stride, const float *factors);

/* Rotates pairs (j, j + width / 2) of each of `heads` stretches of `width` in a row by that row's angles: `cosines` and
   `sines` are [rows, width / 2]. */
void gn_rotate_halves(
    int64_t rows, int64_t heads, int64_t width, float *x, int64_t stride, const float *cosines, const float *sines);

/* y[j] = bias[j] + sum over taps k of weights[k * columns + j] * rows[k][j]: one place of a convolution in which every
   channel is convolved alone. */
void gn_depthwise(
    int64_t taps, int64_t columns, const float *const *rows, const float *weights, const float *bias, float *y);

/* What a spectrum on the mel scale is made with; see MelSpectrum. */
typedef struct gn_mel {
    int64_t size;            /* of the Fourier transform, a power of 2 */
    int64_t window_length;   /* at most `size` */
    const float *window;
    const double *cosines;   /* of 2 pi k / size, [size / 2] */
    const double *sines;
    const int32_t *reversed; /* k with its bits in reverse order, [size] */
    int64_t bands;
    const int32_t *firsts;   /* of each band its first frequency and the number of them */
    const int32_t *counts;
    const float *weights;    /* of all bands, one after the other */
    double guard;            /* added before the logarithm */
} gn_mel;

/* Frames that are transformed at once. */
enum { GN_FRAMES = 16 };

/* Doubles of `scratch` that gn_log_mel needs for a transform of `size`. */
static inline int64_t gn_mel_scratch(int64_t size) { return size * GN_FRAMES + (size / 2 + 1) * GN_FRAMES; }

/* log(power on the mel scale + guard) of at most GN_FRAMES frames of `window_length` samples, one every `hop`: `output`
   [frames, bands]. A frame's bits do not depend on the others. */
void gn_log_mel(
    const gn_mel *mel, int64_t frames, const float *samples, int64_t hop, double *scratch, float *output,
    int64_t stride);

/* To float32; any alignment. */
void gn_widen_bfloat16(int64_t count, const void *from, float *to);
void gn_widen_float16(int64_t count, const void *from, float *to);
/* Each times `scale`. */
void gn_widen_int8(int64_t count, const void *from, float scale, float *to);
/* Blocks of a float16 and 32 int8 that it scales, as GGUF's Q8_0 has them. */
void gn_widen_q8_0(int64_t blocks, const void *from, float *to);

/* One pass of a separable resampling of 8-bit pixels: output row r is the sum over taps k of
   weights[k] * row (first + k) of `input`, in fixed point with so many fractional bits, rounded and clamped to 0 … 255. */
void gn_blend_rows(
    int64_t columns, const uint8_t *input, int64_t stride, int64_t taps, const int32_t *weights, int fraction,
    uint8_t *output);

/* The same along a row of interleaved pixels of `channels`: pixel i is the sum over k < counts[i] of
   weights[i * most + k] * pixel (firsts[i] + k). */
void gn_blend_pixels(
    int64_t pixels, int64_t channels, const uint8_t *input, const int32_t *firsts, const int32_t *counts, int64_t most,
    const int32_t *weights, int fraction, uint8_t *output);

/* Where the threads of a team run. A thread that is woken often starts on the processor of the one that woke it, and while
   others keep the machine busy the two then take turns there instead of working side by side. */
typedef struct gn_places gn_places;

/* Of a team that the calling thread makes; NULL where memory is short, which the others take. */
gn_places *gn_make_places(int32_t threads);
void gn_free_places(gn_places *places);

/* Says that `member` of the team, the calling thread, begins to work. Where one before it has the same processor it moves to
   one that none of them has, if there is one, and keeps off theirs. */
void gn_take_place(gn_places *places, int32_t member);

/* Tells the processor that this thread is spinning. */
static inline void gn_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
