/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_ACTOR_H
#define UPAGER_TOUR_ACTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ACTOR_RESULTS 6

/*
 * A process that does to its memory what it is told, and is looked at in between.  It ends with who
 * started it, whatever that ends by.
 */
struct actor {
	pid_t pid;
	int fd;
	uint64_t fork_ns; /* how long fork() took */
};

/* What it does when asked, in that process; 0 or -errno. */
typedef int actor_fn(void *state, uint32_t what, uint64_t arg, uint64_t result[ACTOR_RESULTS]);

/* Forks.  0 or -errno. */
int actor_start(struct actor *a, actor_fn *fn, void *state);
/* What fn said, or -errno of the asking.  result may be NULL. */
int actor_ask(const struct actor *a, uint32_t what, uint64_t arg, uint64_t result[ACTOR_RESULTS]);
/* The same in two: several work at the same time. */
int actor_tell(const struct actor *a, uint32_t what, uint64_t arg);
/* Whether the answer is there, or comes within that time. */
bool actor_answers(const struct actor *a, int ms);
int actor_answer(const struct actor *a, uint64_t result[ACTOR_RESULTS]);
/* Of one that was not started (pid 0), too. */
void actor_end(struct actor *a);

/* Has the calling process end with who started it; parent: who that is. */
void actor_end_with(pid_t parent);

#endif
