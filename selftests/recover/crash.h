/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_CRASH_H
#define UPAGER_SELFTESTS_CRASH_H

#include "selftests/memory.h"
#include "selftests/target.h"

/*
 * A program that does what it is told to its own memory, three operations at a
 * time, and knows what every byte has to be: in it, and in the children that it
 * forks on the way, and theirs.  What it knows is in memory that the pager leaves alone.
 */
#define CRASH_BLOCKS 24ULL
#define CRASH_PAGES  64ULL /* of a block */
#define CRASH_NR     (CRASH_BLOCKS * CRASH_PAGES) /* one and a half times the budget */
#define CRASH_OPS    3

enum crash_op {
	CRASH_TOUCH,
	CRASH_WRITE,
	CRASH_FORK,
	CRASH_UNMAP,
	CRASH_MOVE,
	CRASH_FORGET,
	CRASH_KINDS,
};

static const char *const crash_names[CRASH_KINDS] = { "touch",	"write",  "fork",
						      "munmap", "mremap", "dontneed" };

/* Contents of a page: that seed; 0 is zeros, and not mapped. */
#define CRASH_ZERO 0u
#define CRASH_GONE UINT32_MAX

struct crash_memory {
	uint8_t *at[CRASH_NR];
	uint32_t seed[CRASH_NR];
};

struct crash_share {
	_Atomic uint32_t op[CRASH_OPS]; /* the test's wishes */
	_Atomic bool end;
	_Atomic uint32_t verify; /* children of the case before that number may look */
	struct crash_memory now;
	struct crash_memory born[CRASH_OPS]; /* of each child */
	pid_t child[CRASH_OPS];
	char wrong[256];
};

static struct crash_share *crash;

static inline bool crash_page_is(const struct crash_memory *m, uint64_t n)
{
	if (m->seed[n] == CRASH_GONE)
		return true;
	return m->seed[n] == CRASH_ZERO ? memory_page_is_zero(m->at[n])
					: memory_page_is(m->at[n], m->seed[n], n);
}

static inline bool crash_memory_is(const struct crash_memory *m, const char *whose)
{
	for (uint64_t n = 0; n < CRASH_NR; n++) {
		if (crash_page_is(m, n))
			continue;
		snprintf(crash->wrong, sizeof(crash->wrong), "page %llu of the %s: %s",
			 (unsigned long long)n, whose,
			 memory_page_is_zero(m->at[n]) ? "zeros" : "something else");
		return false;
	}
	return true;
}

static inline void crash_write(uint64_t first, uint64_t nr, uint32_t seed)
{
	for (uint64_t n = first; n < first + nr; n++) {
		if (crash->now.seed[n] == CRASH_GONE)
			continue;
		/* Before: a daemon that dies does not stop the writer between two words. */
		crash->now.seed[n] = seed;
		memory_fill_page(crash->now.at[n], seed, n);
	}
}

/* Runs of [first, first + nr) that lie side by side in memory, and are mapped. */
static inline bool crash_runs(uint64_t first, uint64_t nr, bool (*fn)(uint64_t first, uint64_t nr))
{
	uint64_t n = first, end = first + nr, to;

	for (; n < end; n = to) {
		to = n + 1;
		if (crash->now.seed[n] == CRASH_GONE)
			continue;
		while (to < end && crash->now.seed[to] != CRASH_GONE &&
		       crash->now.at[to] == crash->now.at[to - 1] + PAGE_SIZE)
			to++;
		if (!fn(n, to - n))
			return false;
	}
	return true;
}

static inline bool crash_unmap(uint64_t first, uint64_t nr)
{
	if (munmap(crash->now.at[first], nr * PAGE_SIZE))
		return false;
	for (uint64_t n = first; n < first + nr; n++)
		crash->now.seed[n] = CRASH_GONE;
	return true;
}

static inline bool crash_forget(uint64_t first, uint64_t nr)
{
	if (madvise(crash->now.at[first], nr * PAGE_SIZE, MADV_DONTNEED))
		return false;
	for (uint64_t n = first; n < first + nr; n++)
		crash->now.seed[n] = CRASH_ZERO;
	return true;
}

/* What was mapped piece by piece may be several mappings (README, Known limits): page by page then. */
static inline bool crash_move(uint64_t first, uint64_t nr)
{
	uint8_t *to = mmap(NULL, nr * PAGE_SIZE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t step = nr;

	if (to == MAP_FAILED)
		return false;
	for (uint64_t n = 0; n < nr;) {
		uint8_t *at = to + n * PAGE_SIZE;

		if (mremap(crash->now.at[first + n], step * PAGE_SIZE, step * PAGE_SIZE,
			   MREMAP_MAYMOVE | MREMAP_FIXED, at) == at) {
			for (uint64_t i = n; i < n + step; i++)
				crash->now.at[first + i] = to + i * PAGE_SIZE;
			n += step;
		} else if (errno == EFAULT && step > 1) {
			step = 1;
		} else {
			return false;
		}
	}
	return true;
}

static inline bool crash_touch(uint64_t first, uint64_t nr)
{
	for (uint64_t n = first; n < first + nr; n++)
		if (!crash_page_is(&crash->now, n)) {
			snprintf(crash->wrong, sizeof(crash->wrong), "page %llu, touched",
				 (unsigned long long)n);
			return false;
		}
	return true;
}

static inline bool crash_fork(uint32_t i, uint32_t nr_case)
{
	pid_t pid;

	memcpy(&crash->born[i], &crash->now, sizeof(crash->now));
	pid = fork();
	if (pid) {
		crash->child[i] = pid; /* the child has no business there */
		return pid > 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	pid = fork();
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (atomic_load(&crash->verify) <= nr_case)
		sleep_us(500);
	if (!crash_memory_is(&crash->born[i], pid ? "child" : "grandchild"))
		_exit(3);
	_exit(pid && status_of(pid) ? 4 : 0);
}

/* Each on another block, so that the three meet some that are out, and some that are not. */
static inline bool crash_do(uint32_t i, uint32_t nr_case)
{
	uint64_t first = (nr_case * 7ULL + i * 5 + 3) % CRASH_BLOCKS * CRASH_PAGES;

	switch ((enum crash_op)atomic_load(&crash->op[i])) {
	case CRASH_TOUCH:
		return crash_touch(first, CRASH_PAGES);
	case CRASH_WRITE:
		crash_write(first, CRASH_PAGES, 1 + nr_case * 8 + i);
		return true;
	case CRASH_FORK:
		return crash_fork(i, nr_case);
	case CRASH_UNMAP:
		return crash_runs(first + 16, CRASH_PAGES / 4, crash_unmap);
	case CRASH_MOVE:
		return crash_runs(first + 8, CRASH_PAGES / 2, crash_move);
	default:
		return crash_runs(first + 24, CRASH_PAGES / 2, crash_forget);
	}
}

static inline bool crash_verify(uint32_t nr_case)
{
	bool ok = crash_memory_is(&crash->now, "parent");

	atomic_store(&crash->verify, nr_case + 1);
	for (int i = 0; i < CRASH_OPS; i++) {
		if (crash->child[i] > 0)
			ok &= !status_of(crash->child[i]);
		crash->child[i] = 0;
	}
	return ok;
}

/* What went away comes again, and the oldest third is written anew, so that more is to leave. */
static inline bool crash_renew(uint32_t nr_case)
{
	for (uint64_t n = 0; n < CRASH_NR; n++) {
		if (crash->now.seed[n] != CRASH_GONE)
			continue;
		crash->now.at[n] = memory_map(1);
		crash->now.seed[n] = CRASH_ZERO;
	}
	for (uint64_t k = 0; k < CRASH_BLOCKS / 3; k++)
		crash_write((nr_case + k * 3) % CRASH_BLOCKS * CRASH_PAGES, CRASH_PAGES,
			    1 + nr_case * 8 + CRASH_OPS);
	return true;
}

/* Steps of case n: 2 + 2 * n do it, 3 + 2 * n look. */
static inline int crash_main(struct target_share *sh)
{
	uint8_t *p = memory_map(CRASH_NR);

	for (uint64_t n = 0; n < CRASH_NR; n++)
		crash->now.at[n] = p + n * PAGE_SIZE;
	crash_write(0, CRASH_NR, 1);
	for (uint32_t nr_case = 0;; nr_case++) {
		target_meet(sh, 2 + 2 * nr_case);
		if (atomic_load(&crash->end))
			return 0;
		for (uint32_t i = 0; i < CRASH_OPS; i++)
			target_check(sh, crash_do(i, nr_case));
		target_meet(sh, 3 + 2 * nr_case);
		target_check(sh, crash_verify(nr_case));
		target_check(sh, crash_renew(nr_case));
	}
}

static inline void crash_init(void)
{
	crash = mmap(NULL, sizeof(*crash), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
}

#endif
