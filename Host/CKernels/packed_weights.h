// Quantised weights as the integer kernels read them: panels of sixteen rows, interleaved word by word, so that each
// 32-bit lane of a vector is one row and no sum crosses lanes.
//
// A block is 32 inputs of one row. Its integers lie in pairs of sixteen bits once they are unpacked; pair 4i + c holds
// elements 4i + 16(c % 2) + c / 2 and the one two further on. In this order the nibbles of Q4_0 and Q4_1 and the bytes
// of Q8_0 unpack by shifts and masks just as the file has them: packing only interleaves. Activations are quantised in
// the same order.
//
// A panel is its scales, then for each block its planes, each plane a vector of sixteen words, one of each row:
// the low bits (four planes of nibbles, or eight of bytes) and one or two of the bits above nibbles.

#ifndef GH_PACKED_WEIGHTS_H
#define GH_PACKED_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse_kernels.h"

enum {
    GH_QUANTUM = 32,     // inputs of a block
    GH_PAIRS = 16,       // pairs of a block
    GH_PANEL_ROWS = 16,  // rows of a panel; the last is filled up with rows of zeros
};

// Pair c of word i of the nibbles is words >> 4c; its high bits lie at bit 4i + c of the plane above, or, of two bits
// each, at bit 2 · (pair % 8) of plane pair / 8; the second of the pair always sixteen bits higher.
// The element that half h of a pair stands for.
static inline size_t gh_pair_element(size_t pair, size_t half) {
    return pair / 4 * 4 + 2 * half + pair % 4 / 2 + 16 * (pair % 2);
}

// How a type is packed: weight = scale · (integer - zero) [+ minimum].
typedef struct gh_packing {
    uint8_t low_planes;    // 4: nibbles, 8: bytes
    uint8_t high_planes;   // of bits above nibbles: 0, 1 or 2
    uint8_t zero;          // 0: bytes are signed
    bool has_minimum;
    bool is_super;         // scales (and minima) are small integers times those of 256 inputs
    bool is_halved;        // a scale is for sixteen inputs: elements 0 … 15, then 16 … 31
} gh_packing;

// A use of each type that is packed.
#define GH_PACKED_TYPES(use)                                                                                       \
    use(GH_TYPE_Q4_0) use(GH_TYPE_Q4_1) use(GH_TYPE_Q5_0) use(GH_TYPE_Q5_1) use(GH_TYPE_Q8_0) use(GH_TYPE_Q4_K)    \
    use(GH_TYPE_Q5_K) use(GH_TYPE_Q6_K)

// Only of those types.
static inline gh_packing gh_packing_of(uint32_t type) {
    switch (type) {
    case GH_TYPE_Q4_0: return (gh_packing){.low_planes = 4, .zero = 8};
    case GH_TYPE_Q4_1: return (gh_packing){.low_planes = 4, .has_minimum = true};
    case GH_TYPE_Q5_0: return (gh_packing){.low_planes = 4, .high_planes = 1, .zero = 16};
    case GH_TYPE_Q5_1: return (gh_packing){.low_planes = 4, .high_planes = 1, .has_minimum = true};
    case GH_TYPE_Q4_K: return (gh_packing){.low_planes = 4, .has_minimum = true, .is_super = true};
    case GH_TYPE_Q5_K:
        return (gh_packing){.low_planes = 4, .high_planes = 1, .has_minimum = true, .is_super = true};
    case GH_TYPE_Q6_K:
        return (gh_packing){
            .low_planes = 4, .high_planes = 2, .zero = 32, .is_super = true, .is_halved = true};
    default: return (gh_packing){.low_planes = 8};
    }
}

// The scales of a run of blocks lie together: sixteen halves of d, sixteen of m where there are minima; where they are
// super-blocks', then a byte of each row for each scale, and for each minimum. A run is one block, or eight.
static inline size_t gh_scale_run(gh_packing p) {
    return p.is_super ? 8 : 1;
}

static inline size_t gh_scales_of_run(gh_packing p) {
    return !p.is_super ? 0 : p.is_halved ? 16 : 8;
}

static inline size_t gh_scale_run_bytes(gh_packing p) {
    const size_t each = 2 * GH_PANEL_ROWS + gh_scales_of_run(p) * GH_PANEL_ROWS;
    return p.has_minimum ? 2 * each : each;
}

static inline size_t gh_scale_bytes(gh_packing p, size_t blocks) {
    return (blocks / gh_scale_run(p) * gh_scale_run_bytes(p) + 63) / 64 * 64;
}

static inline size_t gh_plane_bytes(gh_packing p) {
    return (size_t)(p.low_planes + p.high_planes) * GH_PANEL_ROWS * sizeof(uint32_t);
}

static inline size_t gh_panel_bytes(gh_packing p, size_t blocks) {
    return gh_scale_bytes(p, blocks) + blocks * gh_plane_bytes(p);
}

// A packed matrix. `panels` is NULL where the matrix is not packed.
typedef struct gh_packed {
    uint8_t *panels;  // 64-byte aligned
    uint32_t type;
    uint32_t rows;
    uint32_t cols;
} gh_packed;

bool gh_is_packable(uint32_t type);

// Bytes that the panels of a matrix take.
size_t gh_packed_bytes(const gh_matrix *matrix);

static inline size_t gh_panel_count(size_t rows) {
    return (rows + GH_PANEL_ROWS - 1) / GH_PANEL_ROWS;
}

// Fills one panel of `packed`, whose memory is there, with the rows of the matrix.
void gh_pack_panel(const gh_matrix *matrix, const gh_packed *packed, size_t panel);

// Row `row` as float32, [cols]: the same bits as gh_dequantize_row gives of what was packed.
void gh_expand_packed_row(const gh_packed *packed, size_t row, float *out);

#endif
