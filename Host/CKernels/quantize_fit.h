// The scale, or the scale and the offset, with which whole numbers come nearest to a block of weights.

#ifndef GH_QUANTIZE_FIT_H
#define GH_QUANTIZE_FIT_H

#include <stdint.h>

// The most elements in a fitted block. Counts are multiples of 8.
enum { GH_FIT_MOST = 32 };

// x ≈ scale · q − offset.
typedef struct gh_line {
    float scale;
    float offset;
} gh_line;

// The scale d for which Σ wᵢ (xᵢ − d qᵢ)² is about least, qᵢ being the whole number in least … most that is nearest
// to xᵢ / d. Its sign is chosen too, for least may reach further than most.
float gh_fit_scale(const float *x, const float *w, int count, int least, int most);

// The same for a scale and an offset, qᵢ in 0 … most. With `rising` neither is negative.
gh_line gh_fit_line(const float *x, const float *w, int count, int most, int rising);

// qᵢ: the whole number in least … most for which d qᵢ − offset is nearest to xᵢ.
void gh_nearest(
    const float *x, int count, float scale, float offset, int least, int most, int8_t *q);

// Σ wᵢ (xᵢ − (d qᵢ − offset))² with those qᵢ.
float gh_fit_error(
    const float *x, const float *w, int count, float scale, float offset, int least, int most);

#endif
