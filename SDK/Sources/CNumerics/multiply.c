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
};

/* ROWS × VECTORS accumulators of LANES fill the registers. VECTORS divide the panel. */
#define DEFINE_MULTIPLY(NAME, LANES, VECTORS, ROWS, TARGET)                                                            \
    typedef float NAME##_vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));                        \
                                                                                                                       \
    TARGET static inline __attribute__((always_inline)) void NAME##_tile(                                              \
        const int rows, int64_t inner, const float *restrict a, int64_t a_stride, const float *restrict b,             \
        float *restrict c, int64_t c_stride, int keep)                                                                 \
    {                                                                                                                  \
        NAME##_vector sums[ROWS][VECTORS];                                                                             \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)                                              \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)                                       \
                sums[i][v] = keep ? *(const NAME##_vector *)(c + i * c_stride + v * LANES) : (NAME##_vector){0};       \
        for (int64_t k = 0; k < inner; k++) {                                                                          \
            NAME##_vector right[VECTORS];                                                                              \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)                                       \
                right[v] = *(const NAME##_vector *)(b + k * PANEL + v * LANES);                                        \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)                                          \
                _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)                                   \
                    sums[i][v] += right[v] * a[i * a_stride + k];                                                      \
        }                                                                                                              \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)                                              \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)                                       \
                *(NAME##_vector *)(c + i * c_stride + v * LANES) = sums[i][v];                                         \
    }                                                                                                                  \
                                                                                                                       \
    /* WIDTH columns of a panel, for all rows. Meanwhile the `ahead` elements behind `next` are fetched, a share with each\
       tile: the right side is read for the first time by one tile only, which would otherwise wait for memory. */     \
    TARGET static void NAME##_columns(                                                                                 \
        int64_t rows, int64_t inner, const float *a, int64_t a_stride, const float *b, float *c, int64_t c_stride,     \
        int keep, const float *next, int64_t ahead)                                                                    \
    {                                                                                                                  \
        int64_t i = 0, share = (ahead / (rows / ROWS + 1) / LINE + 1) * LINE;                                          \
        for (; i + ROWS <= rows; i += ROWS) {                                                                          \
            for (int64_t k = 0; k < share && ahead > 0; k += LINE, ahead -= LINE, next += LINE)                        \
                __builtin_prefetch(next, 0, 2);                                                                        \
            NAME##_tile(ROWS, inner, a + i * a_stride, a_stride, b, c + i * c_stride, c_stride, keep);                 \
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
        int64_t b_stride, float *c, int64_t c_stride, int keep)                                                        \
    {                                                                                                                  \
        enum { WIDTH = LANES * VECTORS };                                                                              \
        for (int64_t j = 0; j < columns; j += WIDTH) {                                                                 \
            const float *right = b + j / PANEL * b_stride + j % PANEL;                                                 \
            if (columns - j >= WIDTH)                                                                                  \
                NAME##_columns(                                                                                        \
                    rows, inner, a, a_stride, right, c + j, c_stride, keep, b + (j + WIDTH) / PANEL * b_stride,        \
                    j + WIDTH < columns && (j + WIDTH) % PANEL == 0 ? inner * PANEL : 0);                              \
            else                                                                                                       \
                for (int64_t i = 0; i < rows; i += ROWS) {                                                             \
                    /* The last columns, beside which memory is another's. */                                          \
                    float part[ROWS * WIDTH];                                                                          \
                    int64_t height = rows - i < ROWS ? rows - i : ROWS;                                                \
                    copy_rows(keep ? height : 0, columns - j, c + i * c_stride + j, c_stride, part, WIDTH);            \
                    NAME##_columns(height, inner, a + i * a_stride, a_stride, right, part, WIDTH, keep, b, 0);         \
                    copy_rows(height, columns - j, part, WIDTH, c + i * c_stride + j, c_stride);                       \
                }                                                                                                      \
        }                                                                                                              \
    }

#define LAST(NAME, COUNT)                                                                                               \
    case COUNT: NAME##_tile(COUNT, inner, a, a_stride, b, c, c_stride, keep); break;
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

/* `b_stride` is from panel to panel. */
static void multiply_block(
    int64_t rows, int64_t inner, int64_t columns, const float *a, int64_t a_stride, const float *b, int64_t b_stride,
    float *c, int64_t c_stride, int keep)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4"))
        avx512_multiply(rows, inner, columns, a, a_stride, b, b_stride, c, c_stride, keep);
    else if (__builtin_cpu_supports("x86-64-v3"))
        avx2_multiply(rows, inner, columns, a, a_stride, b, b_stride, c, c_stride, keep);
    else
#endif
        plain_multiply(rows, inner, columns, a, a_stride, b, b_stride, c, c_stride, keep);
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
                c_stride, keep || k > 0);
        }
        k += depth;
    } while (k < inner);
}

void gn_pack_transposed(int64_t columns, int64_t inner, const float *b, int64_t stride, float *packed)
{
    enum { STEP = 16 };
    for (int64_t first = 0; first < columns; first += PANEL, packed += PANEL * inner) {
        int64_t width = columns - first < PANEL ? columns - first : PANEL;
        /* In small squares, so that neither side leaves the cache between two uses of a line. */
        for (int64_t k = 0; k < inner; k += STEP) {
            int64_t end = k + STEP < inner ? k + STEP : inner;
            for (int64_t j = 0; j < width; j++)
                for (int64_t l = k; l < end; l++) packed[l * PANEL + j] = b[(first + j) * stride + l];
            for (int64_t l = k; l < end; l++)
                for (int64_t j = width; j < PANEL; j++) packed[l * PANEL + j] = 0;
        }
    }
}

void gn_pack(int64_t columns, int64_t inner, const float *b, int64_t stride, float *packed)
{
    for (int64_t first = 0; first < columns; first += PANEL, packed += PANEL * inner) {
        int64_t width = columns - first < PANEL ? columns - first : PANEL;
        for (int64_t k = 0; k < inner; k++)
            for (int64_t j = 0; j < PANEL; j++) packed[k * PANEL + j] = j < width ? b[k * stride + first + j] : 0;
    }
}
