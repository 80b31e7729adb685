// Rotary position embedding: a pair (a, b) of a head's dimensions turns by position · frequency.

#ifndef GH_ROPE_H
#define GH_ROPE_H

#include <stdint.h>

// frequencies[i] = base^(-2i / dims) / factors[i], i < dims / 2; `factors` may be NULL.
void gh_rope_frequencies(float base, uint32_t dims, const float *factors, double *frequencies);

// Cosines and sines of one position, [dims / 2] each. `position` has one axis, or three where `sections` tells how
// many pairs turn by each, in order.
void gh_rope_angles(
    const int32_t *position, const uint32_t sections[3], const double *frequencies, uint32_t dims,
    float *cosines, float *sines);

// Turns the first `dims` dimensions of one head in place. `pairing` is a gh_rope_pairing.
void gh_rope_rotate(float *head, uint32_t dims, uint32_t pairing, const float *cosines, const float *sines);

#endif
