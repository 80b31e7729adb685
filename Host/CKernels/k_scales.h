// The small scales inside a super-block of Q4_K and Q5_K.

#ifndef GH_K_SCALES_H
#define GH_K_SCALES_H

#include <stdint.h>

// Scale and minimum of sub-block j. Eight 6-bit scales and eight 6-bit minima share twelve bytes: the first four of each
// lie whole in bytes 0 … 3 and 4 … 7, whose top two bits complete the nibbles that bytes 8 … 11 hold of the last four.
static inline void gh_k_scale(const uint8_t *packed, int j, int *scale, int *minimum) {
    if (j < 4) {
        *scale = packed[j] & 63;
        *minimum = packed[j + 4] & 63;
    } else {
        *scale = (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
        *minimum = (packed[j + 4] >> 4) | (packed[j] >> 6) << 4;
    }
}

#endif
