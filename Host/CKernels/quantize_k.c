// Encodes the K types: 256 elements in sub-blocks that have small whole scales of their own.

#include "floating_point.h"

#include "quantize.h"

#include <math.h>

#include "quantize_fit.h"

enum { SUPER = 256, SUB = 32, SUBS = SUPER / SUB, SIXTH = 16, SIXTHS = SUPER / SIXTH };

static int clamped(float value, int least, int most) {
    const float rounded = roundf(value);
    return rounded < (float)least ? least : rounded > (float)most ? most : (int)rounded;
}

// A super-block of Q4_K or Q5_K: sub-block s is d · scales[s] · q − d_minimum · minima[s].
typedef struct plan {
    float d, d_minimum;  // as halves hold them
    int scales[SUBS], minima[SUBS];
} plan;

static float sub_error(const float *x, const float *w, const plan *p, int s, int scale, int minimum, int most) {
    return gh_fit_error(
        x + s * SUB, w + s * SUB, SUB, p->d * (float)scale, p->d_minimum * (float)minimum, 0, most);
}

// The whole scale and minimum near those given that leave the least error.
static float choose(const float *x, const float *w, plan *p, int s, int most) {
    const int scale = p->scales[s], minimum = p->minima[s];
    float best = sub_error(x, w, p, s, scale, minimum, most);
    for (int i = scale - 1; i <= scale + 1; i++) {
        for (int j = minimum - 1; j <= minimum + 1; j++) {
            if (i < 0 || i > 63 || j < 0 || j > 63) {
                continue;
            }
            const float error = sub_error(x, w, p, s, i, j, most);
            if (error < best) {
                best = error;
                p->scales[s] = i;
                p->minima[s] = j;
            }
        }
    }
    return best;
}

static float choose_all(const float *x, const float *w, plan *p, int most) {
    float error = 0.0f;
    for (int s = 0; s < SUBS; s++) {
        error += choose(x, w, p, s, most);
    }
    return error;
}

// The d and d_minimum that regression gives for the whole numbers of a plan.
static plan refined(const float *x, const float *w, const plan *p, int most) {
    double aa = 0.0, ab = 0.0, bb = 0.0, ax = 0.0, bx = 0.0;
    for (int s = 0; s < SUBS; s++) {
        int8_t q[SUB];
        const float scale = p->d * (float)p->scales[s];
        const float minimum = p->d_minimum * (float)p->minima[s];
        gh_nearest(x + s * SUB, SUB, scale, minimum, 0, most, q);
        const double b = -p->minima[s];
        for (int i = 0; i < SUB; i++) {
            const double a = p->scales[s] * q[i];
            const double weight = w[s * SUB + i], value = x[s * SUB + i];
            aa += weight * a * a;
            ab += weight * a * b;
            bb += weight * b * b;
            ax += weight * a * value;
            bx += weight * b * value;
        }
    }
    plan next = *p;
    const double determinant = aa * bb - ab * ab;
    if (determinant > 1e-9 * aa * bb) {
        next.d = gh_rounded_to_half((float)((ax * bb - bx * ab) / determinant));
        next.d_minimum = gh_rounded_to_half((float)((bx * aa - ax * ab) / determinant));
    } else if (aa > 0.0) {
        next.d = gh_rounded_to_half((float)((ax - p->d_minimum * ab) / aa));
    }
    return next;
}

static plan planned(const float *x, int most) {
    float w[SUPER];
    gh_importance(x, SUPER, w);
    gh_line lines[SUBS];
    float scale = 0.0f, offset = 0.0f;
    for (int s = 0; s < SUBS; s++) {
        lines[s] = gh_fit_line(x + s * SUB, w + s * SUB, SUB, most, 1);
        scale = fmaxf(scale, lines[s].scale);
        offset = fmaxf(offset, lines[s].offset);
    }
    plan p = {.d = gh_rounded_to_half(scale / 63.0f), .d_minimum = gh_rounded_to_half(offset / 63.0f)};
    for (int s = 0; s < SUBS; s++) {
        p.scales[s] = p.d > 0.0f ? clamped(lines[s].scale / p.d, 0, 63) : 0;
        p.minima[s] = p.d_minimum > 0.0f ? clamped(lines[s].offset / p.d_minimum, 0, 63) : 0;
    }
    float error = choose_all(x, w, &p, most);
    for (int round = 0; round < 2; round++) {
        plan next = refined(x, w, &p, most);
        if (!(next.d > 0.0f) || next.d_minimum < 0.0f) {
            break;
        }
        const float next_error = choose_all(x, w, &next, most);
        if (!(next_error < error)) {
            break;
        }
        error = next_error;
        p = next;
    }
    return p;
}

// See gh_k_scale.
static void pack(const plan *p, uint8_t *packed) {
    for (int s = 0; s < 4; s++) {
        packed[s] = (uint8_t)(p->scales[s] | (p->scales[s + 4] >> 4) << 6);
        packed[s + 4] = (uint8_t)(p->minima[s] | (p->minima[s + 4] >> 4) << 6);
        packed[s + 8] = (uint8_t)((p->scales[s + 4] & 15) | (p->minima[s + 4] & 15) << 4);
    }
}

static void encode_k(const float *x, int most, uint8_t *block, uint8_t *high, uint8_t *nibbles) {
    const plan p = planned(x, most);
    gh_store_half(p.d, block);
    gh_store_half(p.d_minimum, block + 2);
    pack(&p, block + 4);
    int8_t q[SUPER];
    for (int s = 0; s < SUBS; s++) {
        const float scale = p.d * (float)p.scales[s];
        gh_nearest(x + s * SUB, SUB, scale, p.d_minimum * (float)p.minima[s], 0, most, q + s * SUB);
    }
    for (int pair = 0; pair < SUBS / 2; pair++) {
        for (int i = 0; i < SUB; i++) {
            const int8_t *low = q + pair * 2 * SUB + i;
            nibbles[pair * SUB + i] = (uint8_t)((low[0] & 15) | (low[SUB] & 15) << 4);
        }
    }
    for (int i = 0; high && i < SUB; i++) {
        high[i] = 0;
        for (int s = 0; s < SUBS; s++) {
            high[i] |= (uint8_t)((q[s * SUB + i] >> 4 & 1) << s);
        }
    }
}

void gh_encode_q4_k(const float *x, uint8_t *block) {
    encode_k(x, 15, block, 0, block + 16);
}

void gh_encode_q5_k(const float *x, uint8_t *block) {
    encode_k(x, 31, block, block + 16, block + 48);
}

void gh_encode_q6_k(const float *x, uint8_t *block) {
    float w[SUPER], fits[SIXTHS];
    gh_importance(x, SUPER, w);
    float extreme = 0.0f;
    for (int s = 0; s < SIXTHS; s++) {
        fits[s] = gh_fit_scale(x + s * SIXTH, w + s * SIXTH, SIXTH, -32, 31);
        extreme = fabsf(fits[s]) > fabsf(extreme) ? fits[s] : extreme;
    }
    // The scale furthest from zero becomes -128, the code that reaches furthest.
    const float d = gh_store_half(extreme / -128.0f, block + 208);
    int8_t q[SUPER];
    for (int s = 0; s < SIXTHS; s++) {
        const int scale = d != 0.0f ? clamped(fits[s] / d, -128, 127) : 0;
        block[192 + s] = (uint8_t)(int8_t)scale;
        gh_nearest(x + s * SIXTH, SIXTH, d * (float)scale, 0.0f, -32, 31, q + s * SIXTH);
    }
    // See expand_q6_k of dequantize.c.
    memset(block, 0, 192);
    for (int element = 0; element < SUPER; element++) {
        const int half = element / 128, g = element / 32 % 4, l = element % 32;
        const int code = q[element] + 32;
        block[half * 64 + (g % 2) * 32 + l] |= (uint8_t)((code & 15) << (g < 2 ? 0 : 4));
        block[128 + half * 32 + l] |= (uint8_t)((code >> 4) << (2 * g));
    }
}
