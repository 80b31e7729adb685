// What the CPU knows about weight formats and about itself: sizes, names, dequantisation, and the products
// that a step is made of. Stateless; any thread. The host's weight reader and the tests stand on it; a
// decoder runs through the table in gatehouse_backend.h.

#ifndef GATEHOUSE_KERNELS_H
#define GATEHOUSE_KERNELS_H

#include <stdint.h>

#include "gatehouse_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

// Elements in one block of a type, and the bytes that it takes; 0 for an unknown type.
uint32_t gh_type_block_size(uint32_t type);
uint32_t gh_type_block_bytes(uint32_t type);

// "Q4_1"; NULL for an unknown type.
const char *gh_type_name(uint32_t type);

// Expands `count` elements at `source`, of any alignment, to float32. GH_ERROR_UNSUPPORTED_TYPE for an
// unknown type, GH_ERROR_BAD_SHAPE where `count` is no multiple of the block; `destination` then stays.
gh_status gh_dequantize_row(uint32_t type, const void *source, float *destination, uint64_t count);

// The largest magnitude that every quantised type can hold: minima are halves.
#define GH_QUANTIZE_LARGEST 65504.0f

// Encodes `count` float32 as a type; the same bits on every machine. GH_ERROR_UNSUPPORTED_TYPE for an unknown
// type, GH_ERROR_BAD_SHAPE where `count` is no multiple of the block, GH_ERROR_BAD_VALUE where a quantised type
// meets a value that is not finite or beyond GH_QUANTIZE_LARGEST; `destination` then stays.
gh_status gh_quantize_row(uint32_t type, const float *source, void *destination, uint64_t count);

// A set of kernels that the CPU backend can run on.
typedef enum gh_cpu_path {
    GH_CPU_PORTABLE = 0,  // any processor
    GH_CPU_AVX2 = 1,      // AVX2, FMA and F16C
    GH_CPU_AVX512 = 2,    // AVX-512 F, BW, DQ, VL and VNNI
    GH_CPU_NEON = 3,      // AArch64
} gh_cpu_path;

// 1 where this processor can run the path.
int gh_cpu_path_available(gh_cpu_path path);

// The backend on one given path, whatever GATEHOUSE_CPU says; NULL where the processor cannot run it.
const gh_backend *gh_cpu_backend_on(gh_cpu_path path);

// The dot product of `rows` weight rows with each of `tokens` activation rows, as a step computes it:
// output[t][o] = Σ_i weights[o][i] · activations[t][i]. `activations` is [tokens, cols], `output` is
// [tokens, rows]. With `precise` the activations stay float32; without, they are quantised where the weights are.
gh_status gh_dot(
    gh_cpu_path path, const gh_matrix *weights, int precise, const float *activations, uint32_t tokens,
    float *output);

// The largest quantised activation. Eight bits would cost the default model its exactness: the logits' cosine with
// float32 falls to 0.994, with sixteen it stays above 0.99999.
enum { GH_QUANTUM_LIMIT = 32767 };

// Activations as the integer kernels read them: for each block of 32 values within ±GH_QUANTUM_LIMIT and the float32
// scale they are multiples of. `count` is a multiple of 32; `scales` is [count / 32].
// GH_ERROR_DEVICE where this processor cannot run the path.
gh_status gh_quantize_activations(
    gh_cpu_path path, const float *activations, uint32_t count, int16_t *values, float *scales);

#ifdef __cplusplus
}
#endif

#endif
