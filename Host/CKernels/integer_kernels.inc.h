// The integer kernels, written once over sixteen lanes, each a row of a panel. A path includes this file after it has
// defined GH_KERNEL (what precedes a function), the vectors w16 (sixteen words) and v16 (sixteen floats) with their
// operations, and the tile that suits its registers, GH_TILE_PANELS panels against GH_TILE_TOKENS tokens; and after the
// float kernels.
//
// A block of 32 weights q against 32 activations s·a: their products are summed as integers, which is exact in any
// order; then lane = fma(d·s, Σ q·a, lane) and, where there are minima, lane = fma(m, s·Σ a, lane), block after block.
// A dot goes through exactly these steps at every tile size, so its bits do not depend on its company.

#include "packed_weights.h"

// Loads stay behind it: hoisted, they would push sums out of their registers.
#define GH_KEEP_ORDER __asm__ volatile("" ::: "memory")

// Blocks that are unpacked together, and tokens that go over them before the next: what is unpacked stays in the
// first-level cache.
enum { GH_SLICE_BLOCKS = 8, GH_SLICE_TOKENS = 256 };

// Up to here unpacking on the way costs less than keeping what was unpacked; at most a tile.
enum { FEW_TOKENS = GH_TILE_TOKENS < 4 ? GH_TILE_TOKENS : 4 };

// Bytes of planes to ask for ahead of a pass that waits for memory.
enum { AHEAD = 4096 };

// Sums of a block come in one part, or in two that have a scale each.
GH_INLINE int parts_of(gh_packing p) {
    return p.is_halved ? 2 : 1;
}

// Pair `pair` of a block of sixteen rows, its zero not yet subtracted.
GH_INLINE w16 raw_pair(const gh_packing p, const uint8_t *planes, const int pair) {
    enum { PLANE = GH_PANEL_ROWS * sizeof(uint32_t) };
    if (p.low_planes == 8) {
        const w16 bytes = w16_load(planes + (pair / 4 + pair % 2 * 4) * PLANE);
        return w16_signed_bytes(bytes, pair % 4 / 2);
    }
    const w16 nibbles = w16_load(planes + pair / 4 * PLANE);
    w16 q = w16_bits(nibbles, 4 * (pair % 4), 4);
    if (p.high_planes == 1) {
        q = w16_or_shifted(q, w16_load(planes + 4 * PLANE), pair, 1);
    } else if (p.high_planes == 2) {
        q = w16_or_shifted(q, w16_load(planes + (4 + pair / 8) * PLANE), 2 * (pair % 8), 2);
    }
    return q;
}

GH_INLINE w16 unpacked_pair(const gh_packing p, const uint8_t *planes, const int pair) {
    const w16 q = raw_pair(p, planes, pair);
    return p.zero ? w16_sub_halves(q, p.zero) : q;
}

// Scales, or minima, of sixteen rows for a part of a block.
GH_INLINE v16 scale_at(const gh_packing p, const uint8_t *scales, size_t block, const int part) {
    const uint8_t *run = scales + block / gh_scale_run(p) * gh_scale_run_bytes(p);
    const v16 d = v16_of_halves(run);
    if (!p.is_super) {
        return d;
    }
    const uint8_t *bytes = run + (p.has_minimum ? 4 : 2) * GH_PANEL_ROWS;
    const size_t index = block % 8 * (size_t)parts_of(p) + (size_t)part;
    const uint8_t *small = bytes + index * GH_PANEL_ROWS;
    return v16_mul(d, p.is_halved ? v16_of_signed_bytes(small) : v16_of_bytes(small));
}

GH_INLINE v16 minimum_at(const gh_packing p, const uint8_t *scales, size_t block) {
    const uint8_t *run = scales + block / gh_scale_run(p) * gh_scale_run_bytes(p);
    const v16 m = v16_of_halves(run + 2 * GH_PANEL_ROWS);
    if (!p.is_super) {
        return m;
    }
    const uint8_t *small = run + (4 + 8 + block % 8) * GH_PANEL_ROWS;
    return v16_mul(v16_sub(v16_set(0), m), v16_of_bytes(small));
}

// Activations of a tile's first token, from a block on.
typedef struct token_view {
    const int16_t *values;
    const float *scales, *sums;
    const int32_t *totals;
    size_t cols, blocks;  // from token to token
} token_view;

GH_INLINE token_view view_of(const gh_quantized *x, size_t cols, size_t token, size_t block) {
    const size_t blocks = cols / GH_QUANTUM;
    return (token_view){
        x->values + token * cols + block * GH_QUANTUM, x->scales + token * blocks + block,
        x->sums + token * blocks + block, x->totals + token * blocks + block, cols, blocks};
}

GH_INLINE w16 activation_pair(const token_view *x, int token, size_t block, int pair) {
    return w16_broadcast(x->values + (size_t)token * x->cols + block * GH_QUANTUM + 2 * (size_t)pair);
}

// The lanes of T tokens after one more block, whose integer sums are there.
GH_INLINE void add_block(
    const gh_packing p, const token_view *x, size_t block, const int T, const w16 *sums, const v16 *d, v16 m,
    v16 *lanes) {
    GH_UNROLL for (int t = 0; t < T; t++) {
        const v16 s = v16_set(x->scales[(size_t)t * x->blocks + block]);
        GH_UNROLL for (int part = 0; part < parts_of(p); part++) {
            const v16 sum = v16_of_words(sums[t * parts_of(p) + part]);
            lanes[t] = v16_fma(v16_mul(d[part], s), sum, lanes[t]);
        }
        if (p.has_minimum) {
            lanes[t] = v16_fma(m, v16_set(x->sums[(size_t)t * x->blocks + block]), lanes[t]);
        }
    }
}

GH_INLINE void put_lanes(v16 lanes, float *place, size_t rows, bool add) {
    if (rows == GH_PANEL_ROWS) {
        v16_store(place, add ? v16_add(v16_load(place), lanes) : lanes);
        return;
    }
    float values[GH_PANEL_ROWS];
    v16_store(values, lanes);
    for (size_t r = 0; r < rows; r++) {
        place[r] = add ? place[r] + values[r] : values[r];
    }
}

// Asks for `bytes` from `place` on to be there soon.
GH_INLINE void prefetch(const uint8_t *place, size_t bytes) {
    GH_UNROLL for (size_t i = 0; i < bytes; i += 64) {
        __builtin_prefetch(place + i, 0, 2);
    }
}

// The sums of T tokens over a block of a panel that is unpacked on the way, [T, parts].
//
// Pairs c of each word have sums of their own, so that products need not wait for each other; and where there are nothing
// but nibbles, pairs 1 and 2 of a word stay where they lie in it, and their sums are shifted instead. The zero is
// subtracted once, as often as its block's activations add up to.
GH_INLINE void sum_block(
    const gh_packing p, const uint8_t *planes, const token_view *x, size_t block, const int T, w16 *totals) {
    const bool is_shifted = p.low_planes == 4 && p.high_planes == 0;
    const int chains = T <= GH_CHAIN_TOKENS ? 4 : parts_of(p);
    w16 sums[4 * GH_TILE_TOKENS];
    GH_UNROLL for (int i = 0; i < T * chains; i++) {
        sums[i] = w16_zero();
    }
    GH_UNROLL for (int pair = 0; pair < GH_PAIRS; pair++) {
        const int c = pair % 4;
        w16 w;
        if (chains == 4 && is_shifted && (c == 1 || c == 2)) {
            w = w16_masked(w16_load(planes + pair / 4 * GH_PANEL_ROWS * (int)sizeof(uint32_t)), 15 << 4 * c);
        } else {
            w = p.is_halved ? unpacked_pair(p, planes, pair) : raw_pair(p, planes, pair);
        }
        GH_UNROLL for (int t = 0; t < T; t++) {
            w16 *sum = &sums[t * chains + c % chains];
            *sum = w16_dot(*sum, w, activation_pair(x, t, block, pair));
        }
    }
    GH_UNROLL for (int t = 0; t < T; t++) {
        w16 *chain = &sums[t * chains];
        if (chains == 4) {
            if (is_shifted) {
                chain[1] = w16_shifted_down(chain[1], 4);
                chain[2] = w16_shifted_down(chain[2], 8);
            }
            chain[0] = w16_add(chain[0], chain[2]);
            chain[1] = w16_add(chain[1], chain[3]);
        }
        if (p.is_halved) {
            totals[2 * t] = chain[0];
            totals[2 * t + 1] = chain[1];
        } else {
            totals[t] = chains == 4 ? w16_add(chain[0], chain[1]) : chain[0];
            if (p.zero) {
                // Of a NaN's or an infinity's block the total may be anything.
                const uint32_t total = (uint32_t)x->totals[(size_t)t * x->blocks + block];
                totals[t] = w16_sub(totals[t], w16_set((int32_t)(p.zero * total)));
            }
        }
    }
}

// A panel against all T tokens.
GH_INLINE void direct_tile(
    const gh_packing p, const uint8_t *panel, size_t rows, const gh_quantized *quantized, size_t cols,
    const int T, gh_output out) {
    const size_t blocks = cols / GH_QUANTUM;
    const uint8_t *planes = panel + gh_scale_bytes(p, blocks);
    const uint8_t *next = panel + gh_panel_bytes(p, blocks);
    const token_view x = view_of(quantized, cols, 0, 0);
    v16 lanes[GH_TILE_TOKENS];
    GH_UNROLL for (int t = 0; t < T; t++) {
        lanes[t] = v16_set(0);
    }
    for (size_t b = 0; b < blocks; b++, planes += gh_plane_bytes(p)) {
        prefetch(planes + AHEAD, gh_plane_bytes(p));
        prefetch(next + b / gh_scale_run(p) * gh_scale_run_bytes(p), 1);
        w16 totals[2 * GH_TILE_TOKENS];
        sum_block(p, planes, &x, b, T, totals);
        v16 d[2];
        GH_UNROLL for (int part = 0; part < parts_of(p); part++) {
            d[part] = scale_at(p, panel, b, part);
        }
        add_block(p, &x, b, T, totals, d, p.has_minimum ? minimum_at(p, panel, b) : v16_set(0), lanes);
    }
    GH_UNROLL for (int t = 0; t < T; t++) {
        put_lanes(lanes[t], out.data + (size_t)t * out.stride, rows, out.add);
    }
}

// A block of sixteen rows, unpacked.
typedef struct unpacked_block {
    w16 pairs[GH_PAIRS];
    v16 d[2];
    v16 m;
} unpacked_block;

GH_INLINE void unpack_blocks(
    const gh_packing p, const uint8_t *panel, size_t all, size_t first, size_t count, unpacked_block *blocks) {
    const uint8_t *planes = panel + gh_scale_bytes(p, all) + first * gh_plane_bytes(p);
    for (size_t b = 0; b < count; b++, planes += gh_plane_bytes(p)) {
        GH_UNROLL for (int pair = 0; pair < GH_PAIRS; pair++) {
            blocks[b].pairs[pair] = unpacked_pair(p, planes, pair);
        }
        GH_UNROLL for (int part = 0; part < parts_of(p); part++) {
            blocks[b].d[part] = scale_at(p, panel, first + b, part);
        }
        if (p.has_minimum) {
            blocks[b].m = minimum_at(p, panel, first + b);
        }
    }
}

// R unpacked panels against T tokens over a slice of blocks. `blocks` is [R, GH_SLICE_BLOCKS], `sums` [T, R].
GH_INLINE void unpacked_tile(
    const gh_packing p, const unpacked_block *blocks, size_t count, token_view x, const int R, const int T,
    bool is_first, v16 *sums) {
    const int parts = parts_of(p);
    v16 lanes[GH_TILE_PANELS][GH_TILE_TOKENS];
    GH_UNROLL for (int r = 0; r < R; r++) {
        GH_UNROLL for (int t = 0; t < T; t++) {
            lanes[r][t] = is_first ? v16_set(0) : sums[t * GH_TILE_PANELS + r];
        }
    }
    for (size_t b = 0; b < count; b++) {
        // A block whose sums have two parts takes its pairs in two turns, which need half the registers.
        w16 totals[GH_TILE_PANELS][2 * GH_TILE_TOKENS];
        GH_UNROLL for (int part = 0; part < parts; part++) {
            w16 partial[GH_TILE_PANELS][GH_TILE_TOKENS];
            GH_UNROLL for (int r = 0; r < R; r++) {
                GH_UNROLL for (int t = 0; t < T; t++) {
                    partial[r][t] = w16_zero();
                }
            }
            GH_UNROLL for (int pair = part; pair < GH_PAIRS; pair += parts) {
                w16 w[GH_TILE_PANELS];
                GH_UNROLL for (int r = 0; r < R; r++) {
                    w[r] = blocks[(size_t)r * GH_SLICE_BLOCKS + b].pairs[pair];
                }
                GH_UNROLL for (int t = 0; t < T; t++) {
                    const w16 a = activation_pair(&x, t, b, pair);
                    GH_UNROLL for (int r = 0; r < R; r++) {
                        partial[r][t] = w16_dot(partial[r][t], w[r], a);
                    }
                }
                GH_KEEP_ORDER;
            }
            GH_UNROLL for (int r = 0; r < R; r++) {
                GH_UNROLL for (int t = 0; t < T; t++) {
                    totals[r][t * parts + part] = partial[r][t];
                }
            }
        }
        GH_UNROLL for (int r = 0; r < R; r++) {
            const unpacked_block *block = &blocks[(size_t)r * GH_SLICE_BLOCKS + b];
            add_block(p, &x, b, T, totals[r], block->d, block->m, lanes[r]);
        }
    }
    GH_UNROLL for (int r = 0; r < R; r++) {
        GH_UNROLL for (int t = 0; t < T; t++) {
            sums[t * GH_TILE_PANELS + r] = lanes[r][t];
        }
    }
}

GH_INLINE void unpacked_tiles(
    const gh_packing p, const unpacked_block *blocks, size_t count, const gh_quantized *x, size_t cols,
    size_t token, size_t tokens, size_t block, const int R, v16 *sums) {
    for (size_t t = 0; t < tokens; t += GH_TILE_TOKENS) {
        const token_view view = view_of(x, cols, token + t, block);
        v16 *place = sums + t * GH_TILE_PANELS;
        const bool first = block == 0;
        switch (tokens - t) {
        case 1: unpacked_tile(p, blocks, count, view, R, 1, first, place); break;
        case 2: unpacked_tile(p, blocks, count, view, R, 2, first, place); break;
        case 3: unpacked_tile(p, blocks, count, view, R, 3, first, place); break;
#if GH_TILE_TOKENS > 4
        case 4: unpacked_tile(p, blocks, count, view, R, 4, first, place); break;
        case 5: unpacked_tile(p, blocks, count, view, R, 5, first, place); break;
#endif
        default: unpacked_tile(p, blocks, count, view, R, GH_TILE_TOKENS, first, place); break;
        }
    }
}

static GH_KERNEL void unpack(
    uint32_t type, const uint8_t *panel, size_t all, size_t first, size_t count, unpacked_block *blocks) {
#define GH_UNPACK(type) \
    case type: unpack_blocks(gh_packing_of(type), panel, all, first, count, blocks); break;
    switch (type) { GH_PACKED_TYPES(GH_UNPACK) }
#undef GH_UNPACK
}

// Once they are unpacked, types differ in no more than this.
static GH_KERNEL void multiply_unpacked(
    gh_packing p, const unpacked_block *blocks, size_t panels, size_t count, const gh_activations *x,
    size_t token, size_t tokens, size_t block, v16 *sums) {
    const gh_packing plain = {0}, minimum = {.has_minimum = true}, halved = {.is_halved = true};
#define GH_TILES(packing, R) \
    unpacked_tiles(packing, blocks, count, &x->quantized, x->cols, token, tokens, block, R, sums)
#define GH_TILES_OF(packing) panels == GH_TILE_PANELS ? GH_TILES(packing, GH_TILE_PANELS) : GH_TILES(packing, 1)
    p.has_minimum ? GH_TILES_OF(minimum) : p.is_halved ? GH_TILES_OF(halved) : GH_TILES_OF(plain);
#undef GH_TILES_OF
#undef GH_TILES
}

typedef struct integer_scratch {
    unpacked_block blocks[GH_TILE_PANELS * GH_SLICE_BLOCKS];
    v16 sums[GH_SLICE_TOKENS * GH_TILE_PANELS];
} integer_scratch;

// Panels, as many as a tile takes, against tokens token … token + tokens - 1.
static GH_KERNEL void many_tokens(
    const gh_packed *weights, size_t panel, size_t rows, const gh_activations *x, size_t token, size_t tokens,
    gh_output out, integer_scratch *scratch) {
    const gh_packing p = gh_packing_of(weights->type);
    const size_t all = x->cols / GH_QUANTUM;
    const size_t bytes = gh_panel_bytes(p, all);
    const size_t panels = gh_panel_count(rows);
    for (size_t b = 0; b < all; b += GH_SLICE_BLOCKS) {
        const size_t count = all - b < GH_SLICE_BLOCKS ? all - b : GH_SLICE_BLOCKS;
        for (size_t r = 0; r < panels; r++) {
            unpack(
                weights->type, weights->panels + (panel + r) * bytes, all, b, count,
                scratch->blocks + r * GH_SLICE_BLOCKS);
        }
        // While few tokens are multiplied, memory brings what is unpacked next: a batch is otherwise either at work or
        // waiting.
        const bool is_last = b + count == all;
        const uint8_t *next = weights->panels + panel * bytes;
        next += is_last ? panels * bytes : gh_scale_bytes(p, all) + (b + count) * gh_plane_bytes(p);
        const size_t ahead = GH_SLICE_BLOCKS * gh_plane_bytes(p) + (is_last ? gh_scale_bytes(p, all) : 0);
        for (size_t r = 0; r < panels; r++) {
            for (size_t i = 0; i < ahead; i += 64) {
                prefetch(next + r * bytes + i, 1);
            }
        }
        multiply_unpacked(p, scratch->blocks, panels, count, x, token, tokens, b, scratch->sums);
    }
    for (size_t t = 0; t < tokens; t++) {
        for (size_t r = 0; r < panels; r++) {
            const size_t begin = r * GH_PANEL_ROWS;
            const size_t n = rows - begin < GH_PANEL_ROWS ? rows - begin : GH_PANEL_ROWS;
            put_lanes(
                scratch->sums[t * GH_TILE_PANELS + r], out.data + (token + t) * out.stride + begin, n, out.add);
        }
    }
}

GH_INLINE void few_tokens_of(
    const gh_packing p, const uint8_t *panel, size_t rows, const gh_activations *x, gh_output out) {
    const gh_quantized *q = &x->quantized;
    switch (x->tokens) {
    case 1: direct_tile(p, panel, rows, q, x->cols, 1, out); break;
    case 2: direct_tile(p, panel, rows, q, x->cols, 2, out); break;
    case 3: direct_tile(p, panel, rows, q, x->cols, 3, out); break;
    default: direct_tile(p, panel, rows, q, x->cols, FEW_TOKENS, out); break;
    }
}

static GH_KERNEL void few_tokens(
    const gh_packed *weights, size_t panel, size_t rows, const gh_activations *x, gh_output out) {
    const uint8_t *place =
        weights->panels + panel * gh_panel_bytes(gh_packing_of(weights->type), x->cols / GH_QUANTUM);
#define GH_FEW_TOKENS(type) \
    case type: few_tokens_of(gh_packing_of(type), place, rows, x, out); break;
    switch (weights->type) { GH_PACKED_TYPES(GH_FEW_TOKENS) }
#undef GH_FEW_TOKENS
}

static GH_KERNEL void multiply_packed(
    const gh_packed *weights, size_t panel, size_t rows, const gh_activations *x, gh_output out,
    void *scratch) {
    const bool is_few = x->tokens <= FEW_TOKENS;
    const size_t step = is_few ? 1 : GH_TILE_PANELS;
    for (size_t done = 0; done < rows; done += step * GH_PANEL_ROWS, panel += step) {
        const size_t left = rows - done;
        const size_t n = left < step * GH_PANEL_ROWS ? left : step * GH_PANEL_ROWS;
        const gh_output place = {out.data + done, out.stride, out.add};
        if (is_few) {
            few_tokens(weights, panel, n, x, place);
            continue;
        }
        for (size_t t = 0; t < x->tokens; t += GH_SLICE_TOKENS) {
            const size_t tokens = x->tokens - t < GH_SLICE_TOKENS ? x->tokens - t : GH_SLICE_TOKENS;
            many_tokens(weights, panel, n, x, t, tokens, place, scratch);
        }
    }
}

// A row of activations in blocks: the largest magnitude of a block becomes the limit. A block below 1e-30 counts as
// zero, since the reciprocal of its scale would overflow.
static GH_KERNEL void quantize(const float *row, size_t cols, gh_quantized out) {
    int16_t *values = out.values;
    for (size_t b = 0; b < cols / GH_QUANTUM; b++, row += GH_QUANTUM, values += GH_QUANTUM) {
        const v16 first = v16_load(row), second = v16_load(row + 16);
        const float maximum = v16_largest(v16_max(v16_magnitude(first), v16_magnitude(second)));
        const float limit = GH_QUANTUM_LIMIT;
        const float inverse = maximum > 1e-30f ? limit / maximum : 0.0f;
        out.scales[b] = maximum > 1e-30f ? maximum / limit : 0.0f;
        const w16 a = w16_rounded(v16_mul(first, v16_set(inverse)));
        const w16 b16 = w16_rounded(v16_mul(second, v16_set(inverse)));
        w16_store_pairs(values, a, b16);
        out.totals[b] = w16_total(w16_add(a, b16));
        out.sums[b] = out.scales[b] * (float)out.totals[b];
    }
}
