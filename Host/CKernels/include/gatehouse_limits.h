// The machine's limits that kernels are measured against: how fast its threads read memory together, and how
// many products they sum. For benchmarks; nothing that decodes calls it.

#ifndef GATEHOUSE_LIMITS_H
#define GATEHOUSE_LIMITS_H

#include <stdint.h>

#include "gatehouse_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

// Bytes of a buffer that no cache of this machine holds a good part of: four times the last-level cache, and
// 512 MiB at least.
uint64_t gh_uncached_bytes(void);

// How fast `threads` threads read a buffer of `bytes` bytes together, in bytes per second: the fastest of
// `passes` passes over it. Each thread reads an equal part that it has written itself, as four streams that
// are a quarter apart, with the widest loads that the processor has and prefetches 1 KiB ahead; the buffer is
// in large pages where the system gives them. GH_ERROR_BAD_SHAPE where there are not 4 KiB for each thread.
// May run beside anything; both then read slower.
gh_status gh_read_bandwidth(uint32_t threads, uint64_t bytes, uint32_t passes, double *bytes_per_second);

// What is multiplied and summed.
typedef enum gh_arithmetic {
    GH_ARITHMETIC_F32 = 0,  // float32, fused
    GH_ARITHMETIC_I8 = 1,   // eight bits by eight bits, summed in 32: VNNI where there is, else in three steps
} gh_arithmetic;

// Operations per second that `threads` threads reach together in registers, a multiplication and an addition
// being two: the fastest of `passes` passes of some milliseconds.
gh_status gh_peak_arithmetic(
    uint32_t threads, gh_arithmetic arithmetic, uint32_t passes, double *operations_per_second);

#ifdef __cplusplus
}
#endif

#endif
