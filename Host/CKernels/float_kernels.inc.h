// The float32 kernels, written once over sixteen lanes. A path includes this file after it has defined GH_KERNEL (what
// precedes a function), v16 and its operations, and the tile that suits its registers, GH_FLOAT_ROWS rows against
// GH_FLOAT_TOKENS tokens; the order of every reduction is set here.

#include <math.h>
#include <string.h>

// A path without registers to fill takes sizes as it runs instead of a copy of the code for each.
#ifdef GH_NO_TILES
#define GH_INLINE static inline GH_KERNEL
#define GH_UNROLL
#else
#define GH_INLINE static inline __attribute__((always_inline)) GH_KERNEL
#define GH_UNROLL _Pragma("clang loop unroll(full)")
#endif

// Lanes 0 … n - 1 from memory, the rest zero.
static inline GH_KERNEL v16 v16_load_part(const float *p, size_t n) {
    float lanes[16] = {0};
    memcpy(lanes, p, n * sizeof *p);
    return v16_load(lanes);
}

static inline GH_KERNEL void v16_store_part(float *p, v16 a, size_t n) {
    if (n == 16) {
        v16_store(p, a);
        return;
    }
    float lanes[16];
    v16_store(lanes, a);
    memcpy(p, lanes, n * sizeof *p);
}

// e^x, relative error below 2e-7. x = n·ln 2 + r with n whole and |r| ≤ ln 2 / 2; e^r by its Taylor
// polynomial of degree 7 (remainder below 6e-9), 2^n by the exponent bits. Below -87 the result stays e^-87.
static inline GH_KERNEL v16 v16_exp(v16 x) {
    x = v16_min(v16_max(x, v16_set(-87.0f)), v16_set(88.0f));
    const v16 magic = v16_set(0x1.8p23f);  // adding it rounds to whole numbers and leaves n in the low bits
    const v16 shifted = v16_fma(x, v16_set(0x1.715476p0f), magic);
    const v16 n = v16_sub(shifted, magic);
    // ln 2 in two parts, the first short enough that n times it is exact.
    v16 r = v16_fma(n, v16_set(-0x1.62e4p-1f), x);
    r = v16_fma(n, v16_set(-0x1.7f7d1cp-20f), r);
    v16 p = v16_set(1.0f / 5040);
    p = v16_fma(p, r, v16_set(1.0f / 720));
    p = v16_fma(p, r, v16_set(1.0f / 120));
    p = v16_fma(p, r, v16_set(1.0f / 24));
    p = v16_fma(p, r, v16_set(1.0f / 6));
    p = v16_fma(p, r, v16_set(0.5f));
    p = v16_fma(p, r, v16_set(1.0f));
    p = v16_fma(p, r, v16_set(1.0f));
    return v16_scale_by_low_bits(p, shifted);
}

// Sixteen weights from element `k` of a row on; the last of a row are `n`.
GH_INLINE v16 weights_at(const uint32_t type, const uint8_t *row, size_t k, size_t n) {
    const size_t bytes = type == GH_TYPE_F32 ? sizeof(float) : sizeof(uint16_t);
    const uint8_t *place = row + k * bytes;
    float rest[16] = {0};
    if (n < 16) {
        memcpy(rest, place, n * bytes);
        place = (const uint8_t *)rest;
    }
    switch (type) {
    case GH_TYPE_F16: return v16_of_halves(place);
    case GH_TYPE_BF16: return v16_of_bfloats(place);
    default: return v16_load((const float *)place);
    }
}

// Dot products of R weight rows with T tokens. Element i goes to lane i % 16, which gives each dot the same sums in the
// same order at every R and T.
GH_INLINE void float_tile(
    const uint32_t type, const uint8_t *weights, size_t stride, const float *x, size_t cols, const int R,
    const int T, gh_output out) {
    v16 sums[4 * GH_FLOAT_TOKENS];
    GH_UNROLL for (int i = 0; i < R * T; i++) {
        sums[i] = v16_set(0);
    }
    for (size_t k = 0; k < cols; k += 16) {
        const size_t n = cols - k < 16 ? cols - k : 16;
        v16 w[4];
        GH_UNROLL for (int r = 0; r < R; r++) {
            const uint8_t *row = weights + (size_t)r * stride;
            w[r] = weights_at(type, row, k, n);
            if (T == 1) {
                // A single token waits for memory: the rows that come next are asked for.
                __builtin_prefetch(row + (size_t)R * stride + k * (type == GH_TYPE_F32 ? 4 : 2), 0, 2);
            }
        }
        GH_UNROLL for (int t = 0; t < T; t++) {
            const float *place = x + (size_t)t * cols + k;
            const v16 a = n == 16 ? v16_load(place) : v16_load_part(place, n);
            GH_UNROLL for (int r = 0; r < R; r++) {
                sums[r * T + t] = v16_fma(w[r], a, sums[r * T + t]);
            }
        }
    }
    GH_UNROLL for (int r = 0; r < R; r++) {
        GH_UNROLL for (int t = 0; t < T; t++) {
            const float dot = v16_sum(sums[r * T + t]);
            float *place = out.data + (size_t)t * out.stride + r;
            *place = out.add ? *place + dot : dot;
        }
    }
}

GH_INLINE void float_rows(
    const uint32_t type, const uint8_t *weights, size_t stride, size_t rows, const float *x, size_t cols,
    const int T, gh_output out) {
    // A single token needs rows whose sums do not wait for each other.
    const int R = T == 1 ? 4 : GH_FLOAT_ROWS;
    size_t r = 0;
    for (; r + (size_t)R <= rows; r += (size_t)R, out.data += R) {
        float_tile(type, weights + r * stride, stride, x, cols, R, T, out);
    }
    for (; r < rows; r++, out.data++) {
        float_tile(type, weights + r * stride, stride, x, cols, 1, T, out);
    }
}

GH_INLINE void float_panel_of(
    const uint32_t type, const uint8_t *weights, size_t stride, size_t rows, const gh_activations *x,
    gh_output out) {
    const size_t cols = x->cols;
    size_t t = 0;
    for (; t + GH_FLOAT_TOKENS <= x->tokens; t += GH_FLOAT_TOKENS) {
        const gh_output place = {out.data + t * out.stride, out.stride, out.add};
        float_rows(type, weights, stride, rows, x->rows + t * cols, cols, GH_FLOAT_TOKENS, place);
    }
    for (; t < x->tokens; t++) {
        const gh_output place = {out.data + t * out.stride, out.stride, out.add};
        float_rows(type, weights, stride, rows, x->rows + t * cols, cols, 1, place);
    }
}

static GH_KERNEL void float_panel(
    uint32_t type, const void *weights, size_t stride, size_t rows, const gh_activations *x, gh_output out) {
    switch (type) {
    case GH_TYPE_F16: float_panel_of(GH_TYPE_F16, weights, stride, rows, x, out); break;
    case GH_TYPE_BF16: float_panel_of(GH_TYPE_BF16, weights, stride, rows, x, out); break;
    default: float_panel_of(GH_TYPE_F32, weights, stride, rows, x, out); break;
    }
}

static GH_KERNEL void rms_norm(
    const float *x, const float *weight, size_t count, float epsilon, float *out) {
    v16 squares = v16_set(0);
    for (size_t i = 0; i < count; i += 16) {
        const v16 a = count - i < 16 ? v16_load_part(x + i, count - i) : v16_load(x + i);
        squares = v16_fma(a, a, squares);
    }
    const v16 scale = v16_set(1.0f / sqrtf(v16_sum(squares) / (float)count + epsilon));
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        v16_store(out + i, v16_mul(v16_mul(v16_load(x + i), scale), v16_load(weight + i)));
    }
    if (i < count) {
        const size_t n = count - i;
        v16_store_part(out + i, v16_mul(v16_mul(v16_load_part(x + i, n), scale), v16_load_part(weight + i, n)), n);
    }
}

static inline GH_KERNEL v16 v16_swiglu(v16 gate, v16 up) {
    const v16 one = v16_set(1.0f);
    const v16 silu = v16_div(gate, v16_add(one, v16_exp(v16_sub(v16_set(0), gate))));
    return v16_mul(silu, up);
}

static GH_KERNEL void swiglu(float *gate, const float *up, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        v16_store(gate + i, v16_swiglu(v16_load(gate + i), v16_load(up + i)));
    }
    if (i < count) {
        const size_t n = count - i;
        v16_store_part(gate + i, v16_swiglu(v16_load_part(gate + i, n), v16_load_part(up + i, n)), n);
    }
}

static GH_KERNEL void expand_halves(uint32_t type, const uint8_t *row, size_t count, float *floats) {
    for (size_t i = 0; i < count; i += 16) {
        const size_t n = count - i < 16 ? count - i : 16;
        v16_store_part(floats + i, weights_at(type, row, i, n), n);
    }
}

static GH_KERNEL void halves_of_floats(const float *floats, size_t count, uint16_t *halves) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        v16_store_halves(halves + i, v16_load(floats + i));
    }
    for (; i < count; i++) {
        halves[i] = gh_half_of_float(floats[i]);
    }
}
