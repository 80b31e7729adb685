#define _GNU_SOURCE
#include "gatehouse_numerics.h"

#include <sched.h>
#include <stdlib.h>

struct gn_places {
    /* Processors that the team may run on. */
    cpu_set_t allowed;
    /* Where each member was seen last; -1 for nowhere yet. */
    int32_t processors[];
};

gn_places *gn_make_places(int32_t threads)
{
    gn_places *places = malloc(sizeof *places + (size_t)threads * sizeof *places->processors);
    if (!places) return 0;
    if (sched_getaffinity(0, sizeof places->allowed, &places->allowed)) CPU_ZERO(&places->allowed);
    for (int32_t i = 0; i < threads; i++) places->processors[i] = -1;
    return places;
}

void gn_free_places(gn_places *places) { free(places); }

void gn_take_place(gn_places *places, int32_t member)
{
    if (!places) return;
    int32_t here = sched_getcpu();
    __atomic_store_n(places->processors + member, here, __ATOMIC_RELAXED);
    int shared = 0;
    for (int32_t i = 0; i < member; i++) shared |= __atomic_load_n(places->processors + i, __ATOMIC_RELAXED) == here;
    if (!shared || here < 0) return;
    cpu_set_t left = places->allowed;
    for (int32_t i = 0; i < member; i++) {
        int32_t taken = __atomic_load_n(places->processors + i, __ATOMIC_RELAXED);
        if (taken >= 0 && taken < CPU_SETSIZE) CPU_CLR((size_t)taken, &left);
    }
    if (!CPU_COUNT(&left) || sched_setaffinity(0, sizeof left, &left)) return;
    __atomic_store_n(places->processors + member, sched_getcpu(), __ATOMIC_RELAXED);
}
