// The float32 kernels, written once over eight lanes. A path includes this file after it has defined
// GH_KERNEL (what precedes a function), v8 and its operations; the order of every reduction is set here.

#include <math.h>
#include <string.h>

// Lanes 0 … n - 1 from memory, the rest zero.
static inline GH_KERNEL v8 v8_load_part(const float *p, size_t n) {
    float lanes[8] = {0};
    memcpy(lanes, p, n * sizeof *p);
    return v8_load(lanes);
}

static inline GH_KERNEL void v8_store_part(float *p, v8 a, size_t n) {
    float lanes[8];
    v8_store(lanes, a);
    memcpy(p, lanes, n * sizeof *p);
}

// e^x, relative error below 2e-7. x = n·ln 2 + r with n whole and |r| ≤ ln 2 / 2; e^r by its Taylor
// polynomial of degree 7 (remainder below 6e-9), 2^n by the exponent bits. Below -87 the result stays e^-87.
static inline GH_KERNEL v8 v8_exp(v8 x) {
    x = v8_min(v8_max(x, v8_set(-87.0f)), v8_set(88.0f));
    const v8 magic = v8_set(0x1.8p23f);  // adding it rounds to whole numbers and leaves n in the low bits
    const v8 shifted = v8_fma(x, v8_set(0x1.715476p0f), magic);
    const v8 n = v8_sub(shifted, magic);
    // ln 2 in two parts, the first short enough that n times it is exact.
    v8 r = v8_fma(n, v8_set(-0x1.62e4p-1f), x);
    r = v8_fma(n, v8_set(-0x1.7f7d1cp-20f), r);
    v8 p = v8_set(1.0f / 5040);
    p = v8_fma(p, r, v8_set(1.0f / 720));
    p = v8_fma(p, r, v8_set(1.0f / 120));
    p = v8_fma(p, r, v8_set(1.0f / 24));
    p = v8_fma(p, r, v8_set(1.0f / 6));
    p = v8_fma(p, r, v8_set(0.5f));
    p = v8_fma(p, r, v8_set(1.0f));
    p = v8_fma(p, r, v8_set(1.0f));
    return v8_scale_by_low_bits(p, shifted);
}

// Dot products of R weight rows with T tokens. Element i goes to lane i % 8 of accumulator i / 8 % 2, which
// gives each dot the same sums in the same order at every R and T.
static inline __attribute__((always_inline)) GH_KERNEL void float_tile(
    const float *weights, const float *x, size_t cols, const int R, const int T, gh_output out) {
    v8 sums[4][2];
    for (int i = 0; i < R * T; i++) {
        sums[i][0] = sums[i][1] = v8_set(0);
    }
    size_t k = 0;
    for (; k + 16 <= cols; k += 16) {
        for (int half = 0; half < 2; half++) {
            for (int r = 0; r < R; r++) {
                const v8 w = v8_load(weights + r * cols + k + 8 * half);
                for (int t = 0; t < T; t++) {
                    v8 *sum = &sums[r * T + t][half];
                    *sum = v8_fma(w, v8_load(x + t * cols + k + 8 * half), *sum);
                }
            }
        }
    }
    for (int half = 0; k < cols; k += 8, half++) {
        const size_t n = cols - k < 8 ? cols - k : 8;
        for (int r = 0; r < R; r++) {
            const v8 w = v8_load_part(weights + r * cols + k, n);
            for (int t = 0; t < T; t++) {
                v8 *sum = &sums[r * T + t][half];
                *sum = v8_fma(w, v8_load_part(x + t * cols + k, n), *sum);
            }
        }
    }
    for (int r = 0; r < R; r++) {
        for (int t = 0; t < T; t++) {
            const float dot = v8_sum(v8_add(sums[r * T + t][0], sums[r * T + t][1]));
            float *place = out.data + t * out.stride + r;
            *place = out.add ? *place + dot : dot;
        }
    }
}

static GH_KERNEL void float_panel(
    const float *weights, size_t rows, const gh_activations *x, gh_output out) {
    const size_t cols = x->cols;
    size_t t = 0;
    for (; t + 4 <= x->tokens; t += 4) {
        for (size_t r = 0; r < rows; r++) {
            const gh_output tile = {out.data + t * out.stride + r, out.stride, out.add};
            float_tile(weights + r * cols, x->rows + t * cols, cols, 1, 4, tile);
        }
    }
    for (; t < x->tokens; t++) {
        gh_output tile = {out.data + t * out.stride, out.stride, out.add};
        size_t r = 0;
        for (; r + 4 <= rows; r += 4, tile.data += 4) {
            float_tile(weights + r * cols, x->rows + t * cols, cols, 4, 1, tile);
        }
        for (; r < rows; r++, tile.data++) {
            float_tile(weights + r * cols, x->rows + t * cols, cols, 1, 1, tile);
        }
    }
}

static GH_KERNEL void rms_norm(
    const float *x, const float *weight, size_t count, float epsilon, float *out) {
    v8 squares = v8_set(0);
    for (size_t i = 0; i < count; i += 8) {
        const v8 a = count - i < 8 ? v8_load_part(x + i, count - i) : v8_load(x + i);
        squares = v8_fma(a, a, squares);
    }
    const v8 scale = v8_set(1.0f / sqrtf(v8_sum(squares) / (float)count + epsilon));
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        v8_store(out + i, v8_mul(v8_mul(v8_load(x + i), scale), v8_load(weight + i)));
    }
    if (i < count) {
        const size_t n = count - i;
        v8_store_part(out + i, v8_mul(v8_mul(v8_load_part(x + i, n), scale), v8_load_part(weight + i, n)), n);
    }
}

static inline GH_KERNEL v8 v8_swiglu(v8 gate, v8 up) {
    const v8 one = v8_set(1.0f);
    const v8 silu = v8_div(gate, v8_add(one, v8_exp(v8_sub(v8_set(0), gate))));
    return v8_mul(silu, up);
}

static GH_KERNEL void swiglu(float *gate, const float *up, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        v8_store(gate + i, v8_swiglu(v8_load(gate + i), v8_load(up + i)));
    }
    if (i < count) {
        const size_t n = count - i;
        v8_store_part(gate + i, v8_swiglu(v8_load_part(gate + i, n), v8_load_part(up + i, n)), n);
    }
}

// Scores of a query against G · 8 keys from `keys` on: each lane is one key, summed over head_dim in order.
static inline __attribute__((always_inline)) GH_KERNEL void score_keys(
    const float *query, size_t head_dim, const float *keys, const int G, float *scores) {
    v8 sums[8];
    for (int g = 0; g < G; g++) {
        sums[g] = v8_set(0);
    }
    for (size_t d = 0; d < head_dim; d++) {
        const v8 q = v8_set(query[d]);
        for (int g = 0; g < G; g++) {
            sums[g] = v8_fma(q, v8_load(keys + d * GH_PAGE_TOKENS + 8 * g), sums[g]);
        }
    }
    for (int g = 0; g < G; g++) {
        v8_store(scores + 8 * g, sums[g]);
    }
}

// output = output · rescale + Σ_j weights[j] · values[j], over V · 8 of the head's dimensions.
static inline __attribute__((always_inline)) GH_KERNEL void add_values(
    const float *weights, size_t valid, const float *values, size_t stride, const int V, float rescale,
    float *output) {
    v8 sums[8];
    for (int v = 0; v < V; v++) {
        sums[v] = v8_mul(v8_load(output + 8 * v), v8_set(rescale));
    }
    for (size_t j = 0; j < valid; j++) {
        const v8 w = v8_set(weights[j]);
        for (int v = 0; v < V; v++) {
            sums[v] = v8_fma(w, v8_load(values + j * stride + 8 * v), sums[v]);
        }
    }
    for (int v = 0; v < V; v++) {
        v8_store(output + 8 * v, sums[v]);
    }
}

static GH_KERNEL void attend_page(
    const float *query, size_t head_dim, const float *keys, const float *values, size_t valid,
    const float *bias, gh_softmax *state) {
    float scores[GH_PAGE_TOKENS];
    if (valid > GH_PAGE_TOKENS / 2) {
        score_keys(query, head_dim, keys, 8, scores);
    } else {
        score_keys(query, head_dim, keys, 4, scores);
    }
    const size_t lanes = gh_padded(valid);
    for (size_t j = 0; bias && j < lanes; j += 8) {
        v8_store(scores + j, v8_add(v8_load(scores + j), v8_load(bias + j)));
    }
    // Positions past the row's own are not its to see; whatever lies there, even a NaN, ends here.
    for (size_t j = valid; j < lanes; j++) {
        scores[j] = -INFINITY;
    }
    v8 largest = v8_load(scores);
    for (size_t j = 8; j < lanes; j += 8) {
        largest = v8_max(largest, v8_load(scores + j));
    }
    float maximum = state->maximum;
    float candidates[8];
    v8_store(candidates, largest);
    for (int i = 0; i < 8; i++) {
        maximum = candidates[i] > maximum ? candidates[i] : maximum;
    }
    for (size_t j = 0; j < lanes; j += 8) {
        v8_store(scores + j, v8_exp(v8_sub(v8_load(scores + j), v8_set(maximum))));
    }
    for (size_t j = valid; j < lanes; j++) {
        scores[j] = 0;
    }
    v8 sum = v8_set(0);
    for (size_t j = 0; j < lanes; j += 8) {
        sum = v8_add(sum, v8_load(scores + j));
    }
    float change[8];
    v8_store(change, v8_exp(v8_set(state->maximum - maximum)));
    const float rescale = change[0];
    state->sum = state->sum * rescale + v8_sum(sum);
    state->maximum = maximum;

    const size_t padded = gh_padded(head_dim);
    size_t d = 0;
    for (; d + 64 <= padded; d += 64) {
        add_values(scores, valid, values + d, padded, 8, rescale, state->output + d);
    }
    for (; d + 32 <= padded; d += 32) {
        add_values(scores, valid, values + d, padded, 4, rescale, state->output + d);
    }
    for (; d < padded; d += 8) {
        add_values(scores, valid, values + d, padded, 1, rescale, state->output + d);
    }
}

static GH_KERNEL void attend_finish(const gh_softmax *state, size_t head_dim, float *out) {
    const v8 sum = v8_set(state->sum);
    for (size_t d = 0; d < head_dim; d += 8) {
        const v8 value = v8_div(v8_load(state->output + d), sum);
        v8_store_part(out + d, value, head_dim - d < 8 ? head_dim - d : 8);
    }
}
