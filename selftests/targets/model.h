/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_MODEL_H
#define UPAGER_SELFTESTS_MODEL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * What the memory of one thread must contain, page by page.  It lies in shared
 * memory, which no pager touches.  A page is told by its stamp: each of its
 * words follows from it, and no two pages ever written have the same; 0 is a
 * page of zeros.
 */
#define PAGE	   4096
#define WORDS	   (PAGE / sizeof(uint64_t))
#define AREAS	   6
#define AREA_PAGES 1024

struct cell {
	uint64_t stamp;
	uint64_t set_at; /* count of operations then */
	bool maybe_zero; /* MADV_FREE, and not written since */
};

struct area {
	uint8_t *addr;
	uint32_t nr; /* pages; 0: none */
	bool split; /* may be several mappings: mremap() takes one */
	bool wipe_on_fork;
	bool dont_fork;
	struct cell cell[AREA_PAGES];
};

/* What was done, for the report. */
struct past {
	const char *op;
	uint8_t *area;
	uint32_t nr; /* pages of it */
	uint32_t first; /* that were picked */
	uint32_t nr_picked;
};

#define PAST 64

struct model {
	uint64_t seed; /* state of the generator */
	uint64_t next; /* stamp */
	uint64_t ops;
	const char *op; /* what is being done, for the report */
	int thread;
	int depth; /* forks that lead here */
	uint32_t children; /* not yet waited for */
	struct past past[PAST]; /* of operation n at n % PAST */
	struct area area[AREAS];
};

/* Wherever the fault lies, nothing that follows can be believed. */
#define model_fail(m, ...)                                                                         \
	do {                                                                                       \
		dprintf(2, "random_ops: thread %d depth %d op %llu %s: ", (m)->thread, (m)->depth, \
			(unsigned long long)(m)->ops, (m)->op);                                    \
		dprintf(2, __VA_ARGS__);                                                           \
		dprintf(2, "\n");                                                                  \
		_exit(1);                                                                          \
	} while (0)

#define model_must(m, call)                                           \
	do {                                                          \
		if (!(call))                                          \
			model_fail(m, #call ": %s", strerror(errno)); \
	} while (0)

/* Below n.  xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
static inline uint32_t model_random(struct model *m, uint32_t n)
{
	m->seed ^= m->seed >> 12;
	m->seed ^= m->seed << 25;
	m->seed ^= m->seed >> 27;
	return (uint32_t)((m->seed * 0x2545f4914f6cdd1dULL) >> 33) % n;
}

static inline uint64_t model_word(uint64_t stamp, size_t i)
{
	return stamp ? (stamp + i) * 0x9e3779b97f4a7c15ULL : 0;
}

static inline uint64_t model_stamp(struct model *m)
{
	m->next += WORDS;
	return m->next;
}

static inline void model_fill(uint8_t *page, uint64_t stamp)
{
	uint64_t *word = (uint64_t *)(void *)page;

	for (size_t i = 0; i < WORDS; i++)
		word[i] = model_word(stamp, i);
}

static inline bool model_is(const uint8_t *page, uint64_t stamp)
{
	const uint64_t *word = (const uint64_t *)(const void *)page;

	for (size_t i = 0; i < WORDS; i++)
		if (word[i] != model_word(stamp, i))
			return false;
	return true;
}

/* What was done to an area, as far as it is remembered. */
static inline void model_tell(const struct model *m, const struct area *a)
{
	for (uint64_t n = m->ops < PAST ? 1 : m->ops - PAST + 1; n <= m->ops; n++) {
		const struct past *p = &m->past[n % PAST];

		if (p->area + (size_t)p->nr * PAGE > a->addr &&
		    p->area < a->addr + (size_t)a->nr * PAGE)
			dprintf(2, "  op %llu %s: %u from %u of %u at %p\n", (unsigned long long)n,
				p->op, p->nr_picked, p->first, p->nr, (void *)p->area);
	}
}

/* A copy of page i, or the page itself. */
static inline void model_expect(struct model *m, const struct area *a, uint32_t i,
				const uint8_t *page)
{
	const uint64_t *word = (const uint64_t *)(const void *)page;
	const struct cell *c = &a->cell[i];

	if (model_is(page, c->stamp) || (c->maybe_zero && model_is(page, 0)))
		return;
	model_tell(m, a);
	for (size_t k = 0; k < WORDS; k++)
		if (word[k] != model_word(c->stamp, k))
			model_fail(m,
				   "page %u of %u at %p, word %zu: %llx instead of %llx (stamp "
				   "%llx of op %llu)",
				   i, a->nr, (const void *)(a->addr + (size_t)i * PAGE), k,
				   (unsigned long long)word[k],
				   (unsigned long long)model_word(c->stamp, k),
				   (unsigned long long)c->stamp, (unsigned long long)c->set_at);
}

static inline uint8_t *model_page(const struct area *a, uint32_t i)
{
	return a->addr + (size_t)i * PAGE;
}

static inline void model_check(struct model *m, const struct area *a, uint32_t first, uint32_t nr)
{
	for (uint32_t i = first; i < first + nr; i++)
		model_expect(m, a, i, model_page(a, i));
}

static inline void model_check_all(struct model *m)
{
	for (struct area *a = m->area; a < m->area + AREAS; a++)
		model_check(m, a, 0, a->nr);
}

static inline void model_set(struct model *m, struct area *a, uint32_t i, uint64_t stamp)
{
	a->cell[i] = (struct cell){ .stamp = stamp, .set_at = m->ops };
}

static inline void model_zero(struct model *m, struct area *a, uint32_t first, uint32_t nr)
{
	for (uint32_t i = first; i < first + nr; i++)
		model_set(m, a, i, 0);
}

static inline struct model *model_new(void)
{
	void *p = mmap(NULL, sizeof(struct model), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

#endif
