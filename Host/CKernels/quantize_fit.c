// Least squares over whole numbers: for given qᵢ the best scale and offset are those of a linear regression, and for a
// given scale and offset the best qᵢ are the nearest ones. The error has many valleys, so a range of scales is tried,
// each followed by one regression, and the best is kept.

#include "floating_point.h"

#include "quantize_fit.h"

#include <math.h>
#include <stddef.h>

// Sums run in eight lanes, so that the order is fixed and a compiler may still use vectors.
enum { LANES = 8 };

// Far below what a half can tell from zero, and far above where reciprocals overflow.
static const float nothing = 1e-30f;

typedef struct lanes {
    float v[LANES];
} lanes;

static float total(const lanes *sum) {
    const float *v = sum->v;
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

// The whole number in least … most that is nearest to a value.
static inline float nearest(float value, float least, float most) {
    float shifted = value - least + 0.5f;
    shifted = shifted < 0.0f ? 0.0f : shifted;
    shifted = shifted > most - least + 0.5f ? most - least + 0.5f : shifted;
    return (float)(int)shifted + least;
}

static float inverse(float scale) {
    return fabsf(scale) < nothing ? 0.0f : 1.0f / scale;
}

void gh_nearest(
    const float *x, int count, float scale, float offset, int least, int most, int8_t *q) {
    const float factor = inverse(scale);
    for (int i = 0; i < count; i++) {
        q[i] = (int8_t)nearest((x[i] + offset) * factor, (float)least, (float)most);
    }
}

float gh_fit_error(
    const float *x, const float *w, int count, float scale, float offset, int least, int most) {
    const float factor = inverse(scale);
    lanes sum = {{0}};
    for (int i = 0; i < count; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            const float q = nearest((x[i + l] + offset) * factor, (float)least, (float)most);
            const float error = x[i + l] - (scale * q - offset);
            sum.v[l] += w[i + l] * (error * error);
        }
    }
    return total(&sum);
}

// What a regression of x on q needs: Σ w q, Σ w q², Σ w q x.
typedef struct moments {
    float q, qq, qx;
} moments;

static moments moments_of(
    const float *x, const float *w, int count, float factor, float origin, float least, float most) {
    lanes q_sum = {{0}}, qq_sum = {{0}}, qx_sum = {{0}};
    for (int i = 0; i < count; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            const float q = nearest((x[i + l] - origin) * factor, least, most);
            const float wq = w[i + l] * q;
            q_sum.v[l] += wq;
            qq_sum.v[l] += wq * q;
            qx_sum.v[l] += wq * x[i + l];
        }
    }
    return (moments){total(&q_sum), total(&qq_sum), total(&qx_sum)};
}

float gh_fit_scale(const float *x, const float *w, int count, int least, int most) {
    float extreme = 0.0f;
    for (int i = 0; i < count; i++) {
        extreme = fabsf(x[i]) > fabsf(extreme) ? x[i] : extreme;
    }
    if (fabsf(extreme) < nothing) {
        return 0.0f;
    }
    // Where the extreme comes to lie: from half a step outside the range, where it is clipped, to one and a half inside.
    static const float shifts[] = {
        0.0f, -0.5f, -0.375f, -0.25f, -0.125f, 0.125f, 0.25f, 0.375f, 0.5f, 0.75f, 1.0f, 1.5f,
    };
    float best_scale = 0.0f;
    float best_gain = -1.0f;
    for (int side = 0; side < 2; side++) {
        const float end = (float)(side == 0 ? least : most);
        for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
            const float place = end > 0.0f ? end - shifts[s] : end + shifts[s];
            const moments m = moments_of(x, w, count, place / extreme, 0.0f, (float)least, (float)most);
            // With the best scale for these q, Σ w (x − d q)² is Σ w x² less this.
            const float gain = m.qq > 0.0f ? m.qx * m.qx / m.qq : -1.0f;
            if (gain > best_gain) {
                best_gain = gain;
                best_scale = m.qx / m.qq;
            }
        }
    }
    return best_scale;
}

gh_line gh_fit_line(const float *x, const float *w, int count, int most, int rising) {
    float low = x[0], high = x[0];
    lanes w_sum = {{0}}, x_sum = {{0}};
    for (int i = 0; i < count; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            low = x[i + l] < low ? x[i + l] : low;
            high = x[i + l] > high ? x[i + l] : high;
            w_sum.v[l] += w[i + l];
            x_sum.v[l] += w[i + l] * x[i + l];
        }
    }
    if (rising) {
        low = low > 0.0f ? 0.0f : low;
        high = high < 0.0f ? 0.0f : high;
    }
    if (high - low < nothing) {
        return (gh_line){0.0f, -low};
    }
    gh_line best = {(high - low) / (float)most, -low};
    const double sum_w = total(&w_sum), sum_x = total(&x_sum);
    float best_error = gh_fit_error(x, w, count, best.scale, best.offset, 0, most);
    // Steps of the range from low to high; fewer than `most` clip nothing, more clip both ends.
    for (int c = -4; c <= 8; c++) {
        const float factor = ((float)most + 0.25f * (float)c) / (high - low);
        const float origin = low + 0.125f * (float)c / factor;
        const moments m = moments_of(x, w, count, factor, origin, 0.0f, (float)most);
        const double determinant = sum_w * m.qq - (double)m.q * m.q;
        if (!(determinant > 0.0)) {
            continue;
        }
        gh_line line = {
            (float)((sum_w * m.qx - (double)m.q * sum_x) / determinant),
            (float)(((double)m.q * m.qx - m.qq * sum_x) / determinant),
        };
        if (rising && line.offset < 0.0f) {
            line = (gh_line){m.qq > 0.0f ? m.qx / m.qq : 0.0f, 0.0f};
        }
        if (!(line.scale > 0.0f)) {
            continue;
        }
        const float error = gh_fit_error(x, w, count, line.scale, line.offset, 0, most);
        if (error < best_error) {
            best_error = error;
            best = line;
        }
    }
    return best;
}
