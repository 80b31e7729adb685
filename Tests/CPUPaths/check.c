#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int failures = 0;

const char *const path_names[] = {
    [GH_CPU_PORTABLE] = "portable", [GH_CPU_AVX2] = "avx2", [GH_CPU_AVX512] = "avx512", [GH_CPU_NEON] = "neon"};

const uint32_t all_types[] = {GH_TYPE_F32,  GH_TYPE_F16,  GH_TYPE_BF16, GH_TYPE_Q4_0, GH_TYPE_Q4_1, GH_TYPE_Q5_0,
                              GH_TYPE_Q5_1, GH_TYPE_Q8_0, GH_TYPE_Q4_K, GH_TYPE_Q5_K, GH_TYPE_Q6_K};
const size_t all_types_count = sizeof all_types / sizeof *all_types;

void *must_allocate(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

uint64_t rng_next(rng *r) {
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

float rng_float(rng *r, float low, float high) {
    return low + (high - low) * (float)(rng_next(r) >> 40) * 0x1p-24f;
}

float *rng_floats(rng *r, size_t count, float low, float high) {
    float *values = must_allocate(count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        values[i] = rng_float(r, low, high);
    }
    return values;
}

// A block's fields of half precision, chosen so that its elements come out small and centred.
static void set_halves(rng *r, uint32_t type, uint8_t *block) {
    static const struct {
        uint32_t type;
        size_t offset;
        float value;
    } fields[] = {
        {GH_TYPE_Q4_0, 0, 0.01f},    {GH_TYPE_Q4_1, 0, 0.01f},    {GH_TYPE_Q4_1, 2, -0.075f},
        {GH_TYPE_Q5_0, 0, 0.005f},   {GH_TYPE_Q5_1, 0, 0.005f},   {GH_TYPE_Q5_1, 2, -0.0775f},
        {GH_TYPE_Q8_0, 0, 0.0008f},  {GH_TYPE_Q4_K, 0, 0.0003f},  {GH_TYPE_Q4_K, 2, 0.00225f},
        {GH_TYPE_Q5_K, 0, 0.00015f}, {GH_TYPE_Q5_K, 2, 0.00225f}, {GH_TYPE_Q6_K, 208, 0.00003f},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].type == type) {
            const float value = fields[i].value * rng_float(r, 0.9f, 1.1f);
            gh_quantize_row(GH_TYPE_F16, &value, block + fields[i].offset, 1);
        }
    }
}

gh_matrix rng_matrix(rng *r, uint32_t type, uint32_t rows, uint32_t cols) {
    const size_t count = (size_t)rows * cols / gh_type_block_size(type), bytes = gh_type_block_bytes(type);
    uint8_t *data = must_allocate(count * bytes);
    for (size_t i = 0; i < count; i++) {
        uint8_t *block = data + i * bytes;
        if (gh_type_block_size(type) == 1) {
            const float value = rng_float(r, -0.1f, 0.1f);
            gh_quantize_row(type, &value, block, 1);
            continue;
        }
        for (size_t b = 0; b < bytes; b++) {
            block[b] = (uint8_t)rng_next(r);
        }
        set_halves(r, type, block);
    }
    return (gh_matrix){.data = data, .type = type, .rows = rows, .cols = cols};
}
