#include "floating_point.h"

#include "kv_pages.h"

#include <math.h>
#include <string.h>

enum { SCALE_BYTES = GH_PAGE_TOKENS * sizeof(float) };

static size_t element_bytes(gh_kv_type type) {
    return type == GH_KV_F32 ? sizeof(float) : type == GH_KV_F16 ? sizeof(uint16_t) : sizeof(int8_t);
}

gh_page_layout gh_page_layout_make(uint32_t layers, uint32_t kv_heads, uint32_t head_dim, gh_kv_type type) {
    gh_page_layout l = {
        .kv_heads = kv_heads,
        .head_dim = head_dim,
        .padded = gh_padded(head_dim),
        .type = type,
    };
    const size_t scales = type == GH_KV_I8 ? SCALE_BYTES : 0;
    l.key_head = scales + (uint64_t)l.head_dim * GH_PAGE_TOKENS * element_bytes(type);
    l.value_head = scales + (uint64_t)l.padded * GH_PAGE_TOKENS * element_bytes(type);
    l.layer = kv_heads * (l.key_head + l.value_head);
    l.page = layers * l.layer;
    return l;
}

static void append_halves(
    const gh_kernels *kernels, const gh_page_layout *l, const float *key, const float *value, size_t slot,
    uint16_t *keys, uint16_t *values) {
    for (size_t d = 0; d < l->head_dim; d += 8) {
        const size_t n = l->head_dim - d < 8 ? l->head_dim - d : 8;
        uint16_t halves[8];
        kernels->halves_of_floats(key + d, n, halves);
        for (size_t i = 0; i < n; i++) {
            keys[(d + i) * GH_PAGE_TOKENS + slot] = halves[i];
        }
    }
    kernels->halves_of_floats(value, l->head_dim, values + slot * l->padded);
}

static void append_floats(
    const gh_page_layout *l, const float *key, const float *value, size_t slot, float *keys, float *values) {
    for (size_t d = 0; d < l->head_dim; d++) {
        keys[d * GH_PAGE_TOKENS + slot] = key[d];
    }
    memcpy(values + slot * l->padded, value, l->head_dim * sizeof *value);
}

// row[d] ≈ scale · bytes[d · step], the largest at ±127; returns the scale, which is NaN where a value is not finite.
static float append_bytes(const float *row, size_t count, size_t step, int8_t *bytes) {
    float largest = 0;
    bool is_finite = true;
    for (size_t d = 0; d < count; d++) {
        const float magnitude = fabsf(row[d]);
        largest = magnitude > largest ? magnitude : largest;
        is_finite = is_finite && isfinite(magnitude);
    }
    const float scale = largest / 127;
    // A scale too small to divide by stands for zeros.
    const bool is_scalable = is_finite && scale > 0 && isfinite(1 / scale);
    const float inverse = is_scalable ? 1 / scale : 0;
    for (size_t d = 0; d < count; d++) {
        const float value = is_scalable ? row[d] * inverse : 0;
        bytes[d * step] = (int8_t)(value < 0 ? value - 0.5f : value + 0.5f);
    }
    return is_finite ? scale : NAN;
}

void gh_page_append(
    const gh_kernels *kernels, const gh_pool *pool, uint32_t page, size_t layer, size_t slot,
    const float *keys, const float *values) {
    const gh_page_layout *l = &pool->layout;
    for (size_t head = 0; head < l->kv_heads; head++) {
        void *key_place = gh_page_keys(pool, page, layer, head);
        void *value_place = gh_page_values(pool, page, layer, head);
        const float *key = keys + head * l->head_dim;
        const float *value = values + head * l->head_dim;
        switch (l->type) {
        case GH_KV_F32: append_floats(l, key, value, slot, key_place, value_place); break;
        case GH_KV_F16: append_halves(kernels, l, key, value, slot, key_place, value_place); break;
        case GH_KV_I8:
            ((float *)key_place)[slot] =
                append_bytes(key, l->head_dim, GH_PAGE_TOKENS, (int8_t *)key_place + SCALE_BYTES + slot);
            ((float *)value_place)[slot] =
                append_bytes(value, l->head_dim, 1, (int8_t *)value_place + SCALE_BYTES + slot * l->padded);
            break;
        }
    }
}

gh_page gh_page_view(const gh_pool *pool, uint32_t page, size_t layer, size_t head) {
    const uint8_t *keys = gh_page_keys(pool, page, layer, head);
    const uint8_t *values = gh_page_values(pool, page, layer, head);
    const gh_kv_type type = pool->layout.type;
    if (type != GH_KV_I8) {
        return (gh_page){keys, values, NULL, NULL, type};
    }
    return (gh_page){keys + SCALE_BYTES, values + SCALE_BYTES, (const float *)keys, (const float *)values, type};
}
