// Measures what the machine can do at most: reading memory, and multiplying in registers.

#define _GNU_SOURCE

#include "gatehouse_limits.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "thread_team.h"

// One measurement, as all members of a team run it. Member 0 writes the results.
typedef struct measurement {
    gh_team *team;
    uint32_t passes;
    double fastest;        // seconds
    double operations;     // of one member in a pass
    _Atomic uint64_t sum;  // of what was read, so that it is read

    uint8_t *buffer;  // NULL where arithmetic is measured
    size_t share;     // bytes of the buffer for each member
    gh_arithmetic arithmetic;
} measurement;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Reading. A line is 64 bytes; the compiler splits it into the widest registers of each target.

enum { LINE = 64, STREAMS = 4, AHEAD = 1024 };

typedef uint64_t line __attribute__((vector_size(LINE)));

static inline __attribute__((always_inline)) uint64_t read_lines(const uint8_t *bytes, size_t count) {
    const size_t stream = count / STREAMS;
    line sums[STREAMS] = {{0}};
    for (size_t i = 0; i < stream; i += LINE) {
        for (size_t s = 0; s < STREAMS; s++) {
            const uint8_t *at = bytes + s * stream + i;
            __builtin_prefetch(at + AHEAD);
            sums[s] ^= *(const line *)at;
        }
    }
    const line all = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
    uint64_t result = 0;
    for (size_t i = 0; i < LINE / sizeof(uint64_t); i++) {
        result ^= all[i];
    }
    return result;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t read_avx512(const uint8_t *bytes, size_t count) {
    return read_lines(bytes, count);
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const uint8_t *bytes, size_t count) {
    return read_lines(bytes, count);
}
#endif

static uint64_t read_all(const uint8_t *bytes, size_t count) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        return read_avx512(bytes, count);
    }
    if (__builtin_cpu_supports("avx2")) {
        return read_avx2(bytes, count);
    }
#endif
    return read_lines(bytes, count);
}

// Arithmetic. Twelve sums are independent, so that no addition waits for the one before, and leave registers for
// what is multiplied. The empty assembly keeps the compiler from computing any of it ahead.

enum { SUMS = 12, ROUNDS = 200000 };

#define PINNED(value) __asm__ volatile("" : "+" REGISTER(value))

#define SUM_UP(type, a, b, lanes, step)                                                                     \
    type sums[SUMS] = {a};                                                                                  \
    for (int round = 0; round < ROUNDS; round++) {                                                          \
        _Pragma("clang loop unroll(full)") for (int s = 0; s < SUMS; s++) {                                 \
            PINNED(a);                                                                                      \
            sums[s] = step;                                                                                 \
        }                                                                                                   \
    }                                                                                                       \
    for (int s = 0; s < SUMS; s++) {                                                                        \
        PINNED(sums[s]);                                                                                    \
    }                                                                                                       \
    return 2.0 * (lanes)*SUMS *ROUNDS

#if defined(__x86_64__)
#define REGISTER "x"
__attribute__((target("avx2,fma"))) static double multiply_f32_avx2(void) {
    __m256 a = _mm256_set1_ps(0.5f);
    const __m256 b = _mm256_set1_ps(0.25f);
    SUM_UP(__m256, a, b, 8, _mm256_fmadd_ps(a, b, sums[s]));
}

__attribute__((target("avx2"))) static double multiply_i8_avx2(void) {
    __m256i a = _mm256_set1_epi8(3);
    const __m256i b = _mm256_set1_epi8(1), ones = _mm256_set1_epi16(1);
    SUM_UP(
        __m256i, a, b, 32, _mm256_add_epi32(sums[s], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones)));
}
#undef REGISTER

#define REGISTER "v"
__attribute__((target("avx512f"))) static double multiply_f32_avx512(void) {
    __m512 a = _mm512_set1_ps(0.5f);
    const __m512 b = _mm512_set1_ps(0.25f);
    SUM_UP(__m512, a, b, 16, _mm512_fmadd_ps(a, b, sums[s]));
}

__attribute__((target("avx512f,avx512vnni"))) static double multiply_i8_vnni(void) {
    __m512i a = _mm512_set1_epi8(3);
    const __m512i b = _mm512_set1_epi8(1);
    SUM_UP(__m512i, a, b, 64, _mm512_dpbusd_epi32(sums[s], a, b));
}
#undef REGISTER
#endif

#if defined(__aarch64__)
#define REGISTER "w"
#elif defined(__x86_64__)
#define REGISTER "x"
#else
#define REGISTER "m"
#endif
typedef float floats __attribute__((vector_size(16)));
typedef int32_t integers __attribute__((vector_size(16)));

static double multiply_f32(void) {
    floats a = {0.5f, 0.5f, 0.5f, 0.5f};
    const floats b = {0.25f, 0.25f, 0.25f, 0.25f};
    SUM_UP(floats, a, b, 4, sums[s] + a * b);
}

static double multiply_i8(void) {
    integers a = {3, 3, 3, 3};
    const integers b = {5, 5, 5, 5};
    SUM_UP(integers, a, b, 4, sums[s] + a * b);
}

// Multiplies for about a millisecond and returns how many operations that were.
static double multiply(gh_arithmetic arithmetic) {
    const bool is_float = arithmetic == GH_ARITHMETIC_F32;
#if defined(__x86_64__)
    if (is_float && __builtin_cpu_supports("avx512f")) {
        return multiply_f32_avx512();
    }
    if (!is_float && __builtin_cpu_supports("avx512vnni")) {
        return multiply_i8_vnni();
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return is_float ? multiply_f32_avx2() : multiply_i8_avx2();
    }
#endif
    return is_float ? multiply_f32() : multiply_i8();
}

// Running.

static void measure(void *context, uint32_t member) {
    measurement *m = context;
    uint8_t *part = m->buffer ? m->buffer + member * m->share : NULL;
    for (size_t i = 0; i < m->share; i += sizeof(uint64_t)) {
        *(uint64_t *)(part + i) = i;
    }
    for (uint32_t pass = 0; pass < m->passes; pass++) {
        gh_team_barrier(m->team);
        const double start = seconds();
        if (part) {
            atomic_fetch_xor(&m->sum, read_all(part, m->share));
        } else {
            const double operations = multiply(m->arithmetic);
            if (member == 0) {
                m->operations = operations;
            }
        }
        gh_team_barrier(m->team);
        const double took = seconds() - start;
        if (member == 0 && (pass == 0 || took < m->fastest)) {
            m->fastest = took;
        }
    }
}

// Runs a measurement on a team of its own.
static gh_status run(measurement *m, uint32_t threads) {
    m->team = gh_team_create(threads);
    if (!m->team) {
        return GH_ERROR_OUT_OF_MEMORY;
    }
    gh_team_run(m->team, measure, m);
    gh_team_destroy(m->team);
    return GH_OK;
}

static bool is_bad(uint32_t threads, uint32_t passes) {
    return threads < 1 || threads > GH_TEAM_MOST_MEMBERS || passes < 1;
}

uint64_t gh_uncached_bytes(void) {
    const uint64_t least = (uint64_t)512 << 20;
    const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    const uint64_t large = cache > 0 ? 4 * (uint64_t)cache : 0;
    return large > least ? large : least;
}

gh_status gh_read_bandwidth(uint32_t threads, uint64_t bytes, uint32_t passes, double *bytes_per_second) {
    const uint64_t page = 4096;
    if (is_bad(threads, passes) || bytes / page < threads || bytes > SIZE_MAX / 2) {
        return GH_ERROR_BAD_SHAPE;
    }
    measurement m = {.passes = passes, .share = (size_t)(bytes / threads / page * page)};
    const size_t whole = m.share * threads;
    void *buffer = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) {
        return GH_ERROR_OUT_OF_MEMORY;
    }
    madvise(buffer, whole, MADV_HUGEPAGE);  // where it is refused, smaller pages do
    m.buffer = buffer;
    const gh_status status = run(&m, threads);
    munmap(buffer, whole);
    if (status == GH_OK) {
        *bytes_per_second = (double)whole / m.fastest;
    }
    return status;
}

gh_status gh_peak_arithmetic(
    uint32_t threads, gh_arithmetic arithmetic, uint32_t passes, double *operations_per_second) {
    if (is_bad(threads, passes) || arithmetic > GH_ARITHMETIC_I8) {
        return GH_ERROR_BAD_SHAPE;
    }
    measurement m = {.passes = passes, .arithmetic = arithmetic};
    const gh_status status = run(&m, threads);
    if (status == GH_OK) {
        *operations_per_second = m.operations * threads / m.fastest;
    }
    return status;
}
