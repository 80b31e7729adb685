// Which kernels this processor can run, and which of them a matrix goes through.

#include "kernels.h"

int gh_cpu_path_available(gh_cpu_path path) {
    return gh_kernels_of(path) != NULL;
}

const gh_kernels *gh_kernels_of(gh_cpu_path path) {
    switch (path) {
    case GH_CPU_PORTABLE:
        return &gh_kernels_portable;
    case GH_CPU_AVX2:
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
            && __builtin_cpu_supports("f16c")) {
            return &gh_kernels_avx2;
        }
#endif
        return NULL;
    }
    return NULL;
}

gh_integer_panel *gh_integer_panel_of(const gh_kernels *kernels, uint32_t type) {
    switch (type) {
    case GH_TYPE_Q4_0: return kernels->q4_0;
    case GH_TYPE_Q4_1: return kernels->q4_1;
    case GH_TYPE_Q8_0: return kernels->q8_0;
    default: return NULL;
    }
}
