#include "gatehouse_numerics.h"
#include "vector.h"

/* Products of matrices whose right side lies in panels: PANEL columns side by side, row after row, so that the innermost
   loop reads it from end to end; rows of the left side are read where they stand. An element is summed over k from first
   to last by one accumulator, whatever stands beside it, so its bits depend on its row and its column alone. */

enum {
    PANEL = GN_PANEL,
    /* Rows of a panel that are taken at once: they stay in the first two caches while the left side passes by. */
    DEPTH = 512,
    /* Rows of the left side that are taken at once, DEPTH elements of each: they stay in the second cache. A multiple of
       every ROWS below. */
    BLOCK = 120,
    /* Elements of a line of the caches. */
    LINE = 16,
    /* Steps of a tile after which more of the next panel is fetched. */
    STEP = 8,
};

/* ROWS × VECTORS accumulators of LANES fill the registers. VECTORS divide the panel. */
#define DEFINE_MULTIPLY(NAME, LANES, VECTORS, ROWS, TARGET)                                                            \
    typedef float NAME##_vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));                        \
                                                                                                                       \
    TARGET static inline __attribute__((always_inline)) void NAME##_tile(                                              \
        const int rows, int64_t inner, const float *restrict a, int64_t a_stride, const float *restrict b,             \
        float *restrict c, int64_t c_stride, int keep, const float *next, int64_t lines)                               \
    {                                                                                                                  \
        NAME##_vector sums[ROWS][VECTORS];                                                                             \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)                                              \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)                                       \
                sums[i][v] = keep ? *(const NAME##_vector *)(c + i * c_stride + v * LANES) : (NAME##_vector){0};       \
        for (int64_t k = 0; k < inner;) {                                                                              \
            for (int64_t l = 0; l < lines; l++, next += LINE) __builtin_prefetch(next, 0, 2);                          \
            int64_t end = inner - k < STEP ? inner : k + STEP;                                                         \
            for (; k < end; k++) {                                                                                     \
                NAME##_vector right[VECTORS];                                                                          \
                _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)                                   \
                    right[v] = *(const NAME##_vector *)(b + k * PANEL + v * LANES);                                    \
                _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)                                      \
                    _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)                               \
                        sums[i][v] += right[v] * a[i * a_stride + k];                                                  \
            }                                                                                                          \
        }                                                                                                              \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)                                              \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)                                       \
                *(NAME##_vector *)(c + i * c_stride + v * LANES) = sums[i][v];                                         \
    }                                                                                                                  \
                                                                                                                       \
    /* WIDTH columns of a panel, for all rows. Meanwhile `next`, the panel that follows, is fetched if there is one, some\
       lines every STEP steps of each tile: it is read for the first time by one tile only, which would otherwise wait for\
       memory. */                                                                                                      \
    TARGET static void NAME##_columns(                                                                                 \
        int64_t rows, int64_t inner, const float *a, int64_t a_stride, const float *b, float *c, int64_t c_stride,     \
        int keep, const float *next)                                                                                   \
    {                                                                                                                  \
        int64_t tiles = rows / ROWS + 1, lines = next ? (STEP * PANEL / LINE + tiles - 1) / tiles : 0;                 \
        int64_t i = 0, share = inner / STEP * lines * LINE;                                                            \
        for (; i + ROWS <= rows; i += ROWS) {                                                                          \
            NAME##_tile(ROWS, inner, a + i * a_stride, a_stride, b, c + i * c_stride, c_stride, keep, next, lines);    \
            if (next) next += share;                                                                                   \
        }                                                                                                              \
        a += i * a_stride;                                                                                             \
        c += i * c_stride;                                                                                             \
        switch (rows - i) {                                                                                            \
            REST(NAME, ROWS)                                                                                           \
        default: break;                                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    TARGET static void NAME##_multiply(                                                                                \
        int64_t rows, int64_t inner, int64_t columns, const float *a, int64_t a_stride, const float *b,                \
        int64_t b_stride, float *c, int64_t c_stride, int keep, const float *after)                                    \
    {                                                                                                                  \
        enum { WIDTH = LANES * VECTORS };                                                                              \
        for (int64_t j = 0; j < columns; j += WIDTH) {                                                                 \
            const float *right = b + j / PANEL * b_stride + j % PANEL;                                                 \
            const float *next = j + WIDTH < columns ? b + (j + WIDTH) / PANEL * b_stride : after;                      \
            if (columns - j >= WIDTH)                                                                                  \
                NAME##_columns(                                                                                        \
                    rows, inner, a, a_stride, right, c + j, c_stride, keep, (j + WIDTH) % PANEL == 0 ? next : 0);      \
            else                                                                                                       \
                for (int64_t i = 0; i < rows; i += ROWS) {                                                             \
                    /* The last columns, beside which memory is another's. */                                          \
                    float part[ROWS * WIDTH];                                                                          \
                    int64_t height = rows - i < ROWS ? rows - i : ROWS;                                                \
                    copy_rows(keep ? height : 0, columns - j, c + i * c_stride + j, c_stride, part, WIDTH);            \
                    NAME##_columns(height, inner, a + i * a_stride, a_stride, right, part, WIDTH, keep, 0);            \
                    copy_rows(height, columns - j, part, WIDTH, c + i * c_stride + j, c_stride);                       \
                }                                                                                                      \
        }                                                                                                              \
    }

#define LAST(NAME, COUNT)                                                                                               \
    case COUNT: NAME##_tile(COUNT, inner, a, a_stride, b, c, c_stride, keep, next, lines); break;
#define REST(NAME, ROWS) REST_OF_##ROWS(NAME)
#define REST_OF_4(NAME) LAST(NAME, 1) LAST(NAME, 2) LAST(NAME, 3)
#define REST_OF_6(NAME) REST_OF_4(NAME) LAST(NAME, 4) LAST(NAME, 5)
#define REST_OF_12(NAME)                                                                                                \
    REST_OF_6(NAME) LAST(NAME, 6) LAST(NAME, 7) LAST(NAME, 8) LAST(NAME, 9) LAST(NAME, 10) LAST(NAME, 11)

static void copy_rows(int64_t rows, int64_t columns, const float *from, int64_t from_stride, float *to, int64_t to_stride)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) to[i * to_stride + j] = from[i * from_stride + j];
}

DEFINE_MULTIPLY(plain, 4, 2, 4, )
#if defined(__x86_64__)
DEFINE_MULTIPLY(avx2, 8, 2, 6, __attribute__((target("arch=x86-64-v3"))))
DEFINE_MULTIPLY(avx512, 16, 2, 12, __attribute__((target("arch=x86-64-v4"), min_vector_width(512))))
#endif

/* `b_stride` is from panel to panel; `after` is what is read next, if that is known. */
static void multiply_block(
    int64_t rows, int64_t inner, int64_t columns, const float *a, int64_t a_stride, const float *b, int64_t b_stride,
    float *c, int64_t c_stride, int keep, const float *after)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4"))
        avx512_multiply(rows, inner, columns, a, a_stride, b, b_stride, c, c_stride, keep, after);
    else if (__builtin_cpu_supports("x86-64-v3"))
        avx2_multiply(rows, inner, columns, a, a_stride, b, b_stride, c, c_stride, keep, after);
    else
#endif
        plain_multiply(rows, inner, columns, a, a_stride, b, b_stride, c, c_stride, keep, after);
}

void gn_multiply(
    int64_t rows, int64_t inner, int64_t columns, const float *a, int64_t a_stride, const float *b, float *c,
    int64_t c_stride, int32_t keep)
{
    int64_t k = 0;
    do {
        int64_t depth = inner - k < DEPTH ? inner - k : DEPTH;
        for (int64_t i = 0; i < rows; i += BLOCK) {
            int64_t count = rows - i < BLOCK ? rows - i : BLOCK;
            multiply_block(
                count, depth, columns, a + i * a_stride + k, a_stride, b + k * PANEL, inner * PANEL, c + i * c_stride,
                c_stride, keep || k > 0, i + count == rows && k + depth < inner ? b + (k + depth) * PANEL : 0);
        }
        k += depth;
    } while (k < inner);
}

/* Squares of SIDE elements are turned in registers. */
enum { SIDE = 8 };
typedef float square_row __attribute__((vector_size(4 * SIDE), aligned(4), may_alias));

/* `to` [SIDE, PANEL] of `from` [SIDE, stride]: pairs change places, then pairs of pairs, then halves. */
GN_INLINE void turn_square(const float *restrict from, int64_t stride, float *restrict to)
{
    square_row a[SIDE], b[SIDE];
    for (int i = 0; i < SIDE; i++) a[i] = *(const square_row *)(from + i * stride);
    for (int i = 0; i < SIDE; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < SIDE; i += 4)
        for (int j = 0; j < 2; j++) {
            a[i + j] = __builtin_shufflevector(b[i + j], b[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            a[i + j + 2] = __builtin_shufflevector(b[i + j], b[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; i++) {
        *(square_row *)(to + i * PANEL) = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        *(square_row *)(to + (i + 4) * PANEL) = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

GN_CLONES
void gn_pack_transposed(int64_t columns, int64_t inner, const float *b, int64_t stride, float *packed)
{
    for (int64_t first = 0; first < columns; first += PANEL, packed += PANEL * inner) {
        int64_t width = columns - first < PANEL ? columns - first : PANEL;
        const float *from = b + first * stride;
        for (int64_t k = 0; k < inner; k += SIDE)
            for (int64_t j = 0; j < PANEL; j += SIDE) {
                if (k + SIDE <= inner && j + SIDE <= width) {
                    turn_square(from + j * stride + k, stride, packed + k * PANEL + j);
                    continue;
                }
                int64_t end = k + SIDE < inner ? k + SIDE : inner;
                for (int64_t l = k; l < end; l++)
                    for (int64_t i = j; i < j + SIDE; i++)
                        packed[l * PANEL + i] = i < width ? from[i * stride + l] : 0;
            }
    }
}

void gn_pack(int64_t columns, int64_t inner, const float *b, int64_t stride, float *packed)
{
    for (int64_t first = 0; first < columns; first += PANEL, packed += PANEL * inner) {
        int64_t width = columns - first < PANEL ? columns - first : PANEL;
        for (int64_t k = 0; k < inner; k++) {
            const float *from = b + k * stride + first;
            float *to = packed + k * PANEL;
            if (width == PANEL)
                memcpy(to, from, PANEL * sizeof *to);
            else
                for (int64_t j = 0; j < PANEL; j++) to[j] = j < width ? from[j] : 0;
        }
    }
}
