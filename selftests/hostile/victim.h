/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_HOSTILE_VICTIM_H
#define UPAGER_SELFTESTS_HOSTILE_VICTIM_H

#include <fcntl.h>

#include "selftests/memory.h"
#include "selftests/target.h"

/*
 * Root's paged program, which reads its own pages at random beside whatever a
 * user does.  What it reads must be what it wrote, and it must go on within
 * seconds; how long one access took is only told.
 */
#define VICTIM_PAGES	  4096ULL
#define VICTIM_READS	  400 /* of which about three quarters are outside */
#define VICTIM_SECONDS	  20
#define VICTIM_WATCHED_NS 1000000000ULL
#define NOBODY		  65534

enum {
	VICTIM_COUNT,
	VICTIM_WORST_NS,
	VICTIM_END
};

static inline int victim_read(struct target_share *sh)
{
	uint8_t *p = memory_map(VICTIM_PAGES);
	uint64_t page = 1;

	memory_fill(p, 0, VICTIM_PAGES, 9);
	while (!atomic_load(&sh->value[VICTIM_END])) {
		uint64_t begin_ns, took_ns;

		page = (page * 6364136223846793005ULL + 1442695040888963407ULL) % VICTIM_PAGES;
		begin_ns = now_ns();
		target_check(sh, memory_page_is(p + page * PAGE_SIZE, 9, page));
		took_ns = now_ns() - begin_ns;
		if (took_ns > atomic_load(&sh->value[VICTIM_WORST_NS]))
			atomic_store(&sh->value[VICTIM_WORST_NS], took_ns);
		atomic_fetch_add(&sh->value[VICTIM_COUNT], 1);
	}
	return 0;
}

/* From now on: it goes on, with the right contents. */
static inline bool victim_goes_on(struct target *v)
{
	uint64_t from = atomic_load(&v->share->value[VICTIM_COUNT]), begin_ns = now_ns();
	bool on;

	atomic_store(&v->share->value[VICTIM_WORST_NS], 0);
	on = wait_until(VICTIM_SECONDS,
			(now_ns() - begin_ns > VICTIM_WATCHED_NS &&
			 atomic_load(&v->share->value[VICTIM_COUNT]) >= from + VICTIM_READS) ||
				target_is_over(v));
	fprintf(stderr, "# %llu reads, worst %llu us\n",
		(unsigned long long)(atomic_load(&v->share->value[VICTIM_COUNT]) - from),
		(unsigned long long)atomic_load(&v->share->value[VICTIM_WORST_NS]) / 1000);
	return on && !target_is_over(v);
}

static inline struct target victim_start(struct pager *pg)
{
	return target_start(pg, victim_read, TARGET_BUDGET);
}

static inline int victim_end(struct target *v)
{
	atomic_store(&v->share->value[VICTIM_END], 1);
	return target_end(v);
}

/* ---- the user ---- */

/* The directories on the way to the socket are open to him. */
static inline void user_admit(const struct pager *pg)
{
	chmod(guard_ram, 0711);
	chmod(pg->socket, 0666);
}

static inline bool user_become(void)
{
	return !setresgid(NOBODY, NOBODY, NOBODY) && !setresuid(NOBODY, NOBODY, NOBODY) &&
	       !prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* Starts a function of the user's under a budget, as root would for him. */
static inline struct target user_start(struct pager *pg, target_fn fn)
{
	return target_start(pg, fn, TARGET_BUDGET);
}

#endif
