// Attention of some queries over one page, written once over sixteen lanes. A path includes this file after the float
// kernels, and after it has defined the tile that suits its registers: GH_TILE_QUERIES queries against
// GH_TILE_VECTORS vectors of keys, or of a value's dimensions.
//
// A query's score against a key, and its sum over values, run through head and positions in order: how many queries go
// together changes no bit.

GH_INLINE v16 elements_at(const gh_kv_type type, const void *elements, size_t index) {
    switch (type) {
    case GH_KV_F16: return v16_of_halves((const uint16_t *)elements + index);
    case GH_KV_I8: return v16_of_signed_bytes((const int8_t *)elements + index);
    default: return v16_load((const float *)elements + index);
    }
}

// Scores of Q queries against 16 · G keys from `first` on. Each lane is one key.
GH_INLINE void score_keys(
    const gh_kv_type type, const gh_page *page, size_t head_dim, const gh_query *queries, const int Q,
    size_t first, const int G, float (*scores)[GH_PAGE_TOKENS]) {
    v16 sums[GH_TILE_QUERIES][GH_TILE_VECTORS];
    GH_UNROLL for (int q = 0; q < Q; q++) {
        GH_UNROLL for (int g = 0; g < G; g++) {
            sums[q][g] = v16_set(0);
        }
    }
    for (size_t d = 0; d < head_dim; d++) {
        v16 keys[GH_TILE_VECTORS];
        GH_UNROLL for (int g = 0; g < G; g++) {
            keys[g] = elements_at(type, page->keys, d * GH_PAGE_TOKENS + first + 16 * (size_t)g);
        }
        GH_UNROLL for (int q = 0; q < Q; q++) {
            const v16 x = v16_set(queries[q].vector[d]);
            GH_UNROLL for (int g = 0; g < G; g++) {
                sums[q][g] = v16_fma(x, keys[g], sums[q][g]);
            }
        }
    }
    GH_UNROLL for (int q = 0; q < Q; q++) {
        GH_UNROLL for (int g = 0; g < G; g++) {
            v16_store(scores[q] + first + 16 * g, sums[q][g]);
        }
    }
}

// What a query adds for positions begin … end - 1: 16 · G of its dimensions from `first` on.
GH_INLINE void add_values(
    const gh_kv_type type, const gh_page *page, size_t padded, const gh_query *queries, const int Q,
    size_t begin, size_t end, size_t first, const int G, float (*weights)[GH_PAGE_TOKENS]) {
    v16 sums[GH_TILE_QUERIES][GH_TILE_VECTORS];
    GH_UNROLL for (int q = 0; q < Q; q++) {
        GH_UNROLL for (int g = 0; g < G; g++) {
            sums[q][g] = v16_load(queries[q].output + first + 16 * g);
        }
    }
    for (size_t j = begin; j < end; j++) {
        v16 values[GH_TILE_VECTORS];
        GH_UNROLL for (int g = 0; g < G; g++) {
            values[g] = elements_at(type, page->values, j * padded + first + 16 * (size_t)g);
        }
        GH_UNROLL for (int q = 0; q < Q; q++) {
            const v16 w = v16_set(weights[q][j]);
            GH_UNROLL for (int g = 0; g < G; g++) {
                sums[q][g] = v16_fma(w, values[g], sums[q][g]);
            }
        }
    }
    GH_UNROLL for (int q = 0; q < Q; q++) {
        GH_UNROLL for (int g = 0; g < G; g++) {
            v16_store(queries[q].output + first + 16 * g, sums[q][g]);
        }
    }
}

enum { PAGE_VECTORS = GH_PAGE_TOKENS / 16 };

// Stores a query's numbers for a page, sets those of positions that it does not see, and loads them again.
GH_INLINE void end_row(v16 *numbers, size_t valid, float value, float *row) {
    GH_UNROLL for (int i = 0; i < PAGE_VECTORS; i++) {
        v16_store(row + 16 * i, numbers[i]);
    }
    if (valid < GH_PAGE_TOKENS) {
        for (size_t j = valid; j < GH_PAGE_TOKENS; j++) {
            row[j] = value;
        }
        GH_UNROLL for (int i = 0; i < PAGE_VECTORS; i++) {
            numbers[i] = v16_load(row + 16 * i);
        }
    }
}

// Turns a query's scores into the weights of the values, and rescales what it has summed up by now.
static GH_KERNEL void soften(const gh_page *page, size_t padded, gh_query *query, float *scores) {
    v16 weights[PAGE_VECTORS];
    GH_UNROLL for (int i = 0; i < PAGE_VECTORS; i++) {
        weights[i] = v16_load(scores + 16 * i);
        if (page->key_scales) {
            weights[i] = v16_mul(weights[i], v16_load(page->key_scales + 16 * i));
        }
        if (query->bias) {
            weights[i] = v16_add(weights[i], v16_load(query->bias + 16 * i));
        }
    }
    // Whatever lay there, even a NaN, ends here.
    end_row(weights, query->valid, -INFINITY, scores);
    v16 largest = weights[0];
    GH_UNROLL for (int i = 1; i < PAGE_VECTORS; i++) {
        largest = v16_max(largest, weights[i]);
    }
    const float candidate = v16_largest(largest);
    if (candidate > query->maximum) {
        float change[16];
        v16_store(change, v16_exp(v16_set(query->maximum - candidate)));
        for (size_t d = 0; d < padded; d += 16) {
            v16_store(query->output + d, v16_mul(v16_load(query->output + d), v16_set(change[0])));
        }
        query->sum *= change[0];
        query->maximum = candidate;
    }
    GH_UNROLL for (int i = 0; i < PAGE_VECTORS; i++) {
        weights[i] = v16_exp(v16_sub(weights[i], v16_set(query->maximum)));
    }
    end_row(weights, query->valid, 0, scores);
    v16 sum = weights[0];
    GH_UNROLL for (int i = 1; i < PAGE_VECTORS; i++) {
        sum = v16_add(sum, weights[i]);
    }
    query->sum += v16_sum(sum);
    if (page->value_scales) {
        GH_UNROLL for (int i = 0; i < PAGE_VECTORS; i++) {
            v16_store(scores + 16 * i, v16_mul(weights[i], v16_load(page->value_scales + 16 * i)));
        }
    }
}

GH_INLINE void attend_tile(
    const gh_kv_type type, const gh_page *page, size_t head_dim, gh_query *queries, const int Q) {
    enum { WIDTH = 16 * GH_TILE_VECTORS };
    const size_t padded = gh_padded(head_dim);
    // Positions that nobody sees are not scored.
    float scores[GH_TILE_QUERIES][GH_PAGE_TOKENS] = {{0}};
    // Queries come in the order of their rows.
    const size_t common = queries[0].valid, all = queries[Q - 1].valid;
    size_t j = 0;
    for (; j + WIDTH <= gh_padded(all); j += WIDTH) {
        score_keys(type, page, head_dim, queries, Q, j, GH_TILE_VECTORS, scores);
    }
    for (; j < all; j += 16) {
        score_keys(type, page, head_dim, queries, Q, j, 1, scores);
    }
    GH_UNROLL for (int q = 0; q < Q; q++) {
        soften(page, padded, &queries[q], scores[q]);
    }
    size_t d = 0;
    for (; d + WIDTH <= padded; d += WIDTH) {
        add_values(type, page, padded, queries, Q, 0, common, d, GH_TILE_VECTORS, scores);
    }
    for (; d < padded; d += 16) {
        add_values(type, page, padded, queries, Q, 0, common, d, 1, scores);
    }
    for (int q = 0; q < Q; q++) {
        for (d = 0; d < padded && common < queries[q].valid; d += 16) {
            add_values(type, page, padded, &queries[q], 1, common, queries[q].valid, d, 1, &scores[q]);
        }
    }
}

GH_INLINE void attend_tiles(
    const gh_kv_type type, const gh_page *page, size_t head_dim, gh_query *queries, size_t count) {
    size_t q = 0;
    for (; q + GH_TILE_QUERIES <= count; q += GH_TILE_QUERIES) {
        attend_tile(type, page, head_dim, queries + q, GH_TILE_QUERIES);
    }
    switch (count - q) {
#if GH_TILE_QUERIES > 2
    case 3: attend_tile(type, page, head_dim, queries + q, 3); break;
    case 2: attend_tile(type, page, head_dim, queries + q, 2); break;
#endif
#if GH_TILE_QUERIES > 1
    case 1: attend_tile(type, page, head_dim, queries + q, 1); break;
#endif
    default: break;
    }
}

static GH_KERNEL void attend_page(const gh_page *page, size_t head_dim, gh_query *queries, size_t count) {
    switch (page->type) {
    case GH_KV_F16: attend_tiles(GH_KV_F16, page, head_dim, queries, count); break;
    case GH_KV_I8: attend_tiles(GH_KV_I8, page, head_dim, queries, count); break;
    default: attend_tiles(GH_KV_F32, page, head_dim, queries, count); break;
    }
}

// `count` is a multiple of 16.
static GH_KERNEL void expand_elements(gh_kv_type type, const void *elements, size_t count, float *floats) {
    for (size_t i = 0; i < count; i += 16) {
        v16_store(floats + i, elements_at(type, elements, i));
    }
}

static GH_KERNEL void attend_finish(const gh_query *query, size_t head_dim, float *out) {
    const v16 sum = v16_set(query->sum);
    for (size_t d = 0; d < head_dim; d += 16) {
        const v16 value = v16_div(v16_load(query->output + d), sum);
        v16_store_part(out + d, value, head_dim - d < 16 ? head_dim - d : 16);
    }
}
