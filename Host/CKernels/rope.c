#include "floating_point.h"

#include "rope.h"

#include <math.h>

#include "gatehouse_backend.h"

void gh_rope_frequencies(float base, uint32_t dims, const float *factors, double *frequencies) {
    for (uint32_t i = 0; i < dims / 2; i++) {
        const double factor = factors ? factors[i] : 1.0;
        frequencies[i] = pow(base, -2.0 * i / dims) / factor;
    }
}

// In double precision: at position 100,000 a float32 angle is off by 0.004.
void gh_rope_angles(
    const int32_t *position, const uint32_t sections[3], const double *frequencies, uint32_t dims,
    float *cosines, float *sines) {
    const uint32_t first = sections[0] + sections[1] + sections[2] > 0 ? sections[0] : dims / 2;
    for (uint32_t i = 0; i < dims / 2; i++) {
        const int axis = i < first ? 0 : i < first + sections[1] ? 1 : 2;
        const double angle = position[axis] * frequencies[i];
        cosines[i] = (float)cos(angle);
        sines[i] = (float)sin(angle);
    }
}

void gh_rope_rotate(float *head, uint32_t dims, uint32_t pairing, const float *cosines, const float *sines) {
    const uint32_t half = dims / 2;
    const uint32_t step = pairing == GH_ROPE_INTERLEAVED ? 2 : 1;
    const uint32_t distance = pairing == GH_ROPE_INTERLEAVED ? 1 : half;
    for (uint32_t i = 0; i < half; i++) {
        float *a = head + i * step;
        float *b = a + distance;
        const float turned = *a * cosines[i] - *b * sines[i];
        *b = *a * sines[i] + *b * cosines[i];
        *a = turned;
    }
}
