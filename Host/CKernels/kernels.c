// Which kernels this processor can run.

#include "kernels.h"

int gh_cpu_path_available(gh_cpu_path path) {
    return gh_kernels_of(path) != NULL;
}

#if defined(__x86_64__)
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
           && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
           && __builtin_cpu_supports("avx512vnni");
}
#endif

const gh_kernels *gh_kernels_of(gh_cpu_path path) {
    switch (path) {
    case GH_CPU_PORTABLE:
        return &gh_kernels_portable;
#if defined(__x86_64__)
    case GH_CPU_AVX2:
        return has_avx2() ? &gh_kernels_avx2 : NULL;
    case GH_CPU_AVX512:
        return has_avx512() ? &gh_kernels_avx512 : NULL;
#elif defined(__aarch64__)
    case GH_CPU_NEON:
        return &gh_kernels_neon;
#endif
    default:
        return NULL;
    }
}
