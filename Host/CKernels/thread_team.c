#define _POSIX_C_SOURCE 200809L

#include "thread_team.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    SPINS = 300,   // pauses, some microseconds: what members of a step usually wait for each other
    YIELDS = 300,  // then offer the core to others, some hundred microseconds in all: from step to step
};

typedef struct member {
    gh_team *team;
    pthread_t thread;
    uint32_t index;
} member;

struct gh_team {
    // Barrier: the last to arrive starts the next round. Each on its own cache line.
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) atomic_uint round;
    _Alignas(64) atomic_uint taken;
    _Alignas(64) atomic_uint sleepers;  // of `woken`
    pthread_mutex_t lock;
    pthread_cond_t woken;

    // Written by member 0 before the barrier that starts a run.
    gh_team_work *work;  // NULL: the threads end
    void *context;

    uint32_t count;
    member *members;  // 1 … count - 1 have a thread
};

static void pause_core(void) {
#if defined(__x86_64__)
    _mm_pause();
#endif
}

static void wait_while(gh_team *team, unsigned round) {
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&team->round, memory_order_acquire) != round) {
            return;
        }
        pause_core();
    }
    for (int i = 0; i < YIELDS; i++) {
        if (atomic_load_explicit(&team->round, memory_order_acquire) != round) {
            return;
        }
        sched_yield();
    }
    // Sequentially consistent against gh_team_barrier: either it sees this sleeper, or this sees its round.
    pthread_mutex_lock(&team->lock);
    atomic_fetch_add(&team->sleepers, 1);
    while (atomic_load(&team->round) == round) {
        pthread_cond_wait(&team->woken, &team->lock);
    }
    atomic_fetch_sub(&team->sleepers, 1);
    pthread_mutex_unlock(&team->lock);
}

void gh_team_barrier(gh_team *team) {
    const unsigned round = atomic_load_explicit(&team->round, memory_order_relaxed);
    if (atomic_fetch_add(&team->arrived, 1) + 1 < team->count) {
        wait_while(team, round);
        return;
    }
    atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&team->taken, 0, memory_order_relaxed);
    atomic_store(&team->round, round + 1);
    if (atomic_load(&team->sleepers) > 0) {
        pthread_mutex_lock(&team->lock);
        pthread_cond_broadcast(&team->woken);
        pthread_mutex_unlock(&team->lock);
    }
}

uint32_t gh_team_take(gh_team *team) {
    return atomic_fetch_add_explicit(&team->taken, 1, memory_order_relaxed);
}

uint32_t gh_team_members(const gh_team *team) {
    return team->count;
}

static void *serve(void *argument) {
    const member *self = argument;
    gh_team *team = self->team;
    for (;;) {
        gh_team_barrier(team);
        if (!team->work) {
            return NULL;
        }
        team->work(team->context, self->index);
        gh_team_barrier(team);
    }
}

void gh_team_run(gh_team *team, gh_team_work *work, void *context) {
    team->work = work;
    team->context = context;
    gh_team_barrier(team);
    work(context, 0);
    gh_team_barrier(team);
}

// Ends the threads of members 1 … made - 1, which wait for a run or soon will, and frees the team. The
// barrier counts on every member, so this thread also arrives for those that were never made.
static void dismiss(gh_team *team, uint32_t made) {
    team->work = NULL;
    atomic_fetch_add(&team->arrived, team->count - made);
    gh_team_barrier(team);
    for (uint32_t i = 1; i < made; i++) {
        pthread_join(team->members[i].thread, NULL);
    }
    pthread_cond_destroy(&team->woken);
    pthread_mutex_destroy(&team->lock);
    free(team->members);
    free(team);
}

gh_team *gh_team_create(uint32_t members) {
    gh_team *team = aligned_alloc(_Alignof(gh_team), sizeof(gh_team));
    member *list = calloc(members, sizeof *list);
    if (!team || !list) {
        free(team);
        free(list);
        return NULL;
    }
    atomic_init(&team->arrived, 0);
    atomic_init(&team->round, 0);
    atomic_init(&team->taken, 0);
    atomic_init(&team->sleepers, 0);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->woken, NULL);
    team->work = NULL;
    team->context = NULL;
    team->members = list;
    team->count = members;
    for (uint32_t i = 1; i < members; i++) {
        list[i].team = team;
        list[i].index = i;
    }
    uint32_t made = 1;
    while (made < members && pthread_create(&list[made].thread, NULL, serve, &list[made]) == 0) {
        made++;
    }
    if (made < members) {
        dismiss(team, made);
        return NULL;
    }
    return team;
}

void gh_team_destroy(gh_team *team) {
    if (team) {
        dismiss(team, team->count);
    }
}
