// A fixed team of threads that run one function together and meet at barriers.
//
// The thread that calls gh_team_run is member 0. Waiting spins for some microseconds, then yields, then
// sleeps, so that a step pays no system call, an oversubscribed machine makes progress, and an idle one uses
// no CPU.

#ifndef GH_THREAD_TEAM_H
#define GH_THREAD_TEAM_H

#include <stdint.h>

typedef struct gh_team gh_team;
typedef void gh_team_work(void *context, uint32_t member);

enum { GH_TEAM_MOST_MEMBERS = 1024 };

// NULL where memory or threads run out.
gh_team *gh_team_create(uint32_t members);

// Joins the threads. Not during gh_team_run.
void gh_team_destroy(gh_team *team);

uint32_t gh_team_members(const gh_team *team);

// Runs `work` on every member and returns when all are done. One call at a time.
void gh_team_run(gh_team *team, gh_team_work *work, void *context);

// Inside `work`: returns once every member has called it. What members wrote before is visible after.
void gh_team_barrier(gh_team *team);

// Inside `work`: 0, 1, 2, … to whoever asks, starting anew after each barrier.
uint32_t gh_team_take(gh_team *team);

#endif
