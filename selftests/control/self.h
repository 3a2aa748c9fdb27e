/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_SELF_H
#define UPAGER_SELFTESTS_SELF_H

#include "kernel/uffd.h"
#include "selftests/memory.h"
#include "selftests/target.h"
#include "selftests/traces.h"

/*
 * Programs that page ranges of their own: functions of target_fork(), which
 * find the pager here.
 */
#define SELF_PAGES  3072ULL
#define SELF_BYTES  (SELF_PAGES * PAGE_SIZE)
#define SELF_BUDGET (4 * MIB)

static struct pager *self_pager;

/* ---- in the target ---- */

/* A connection of its own; NULL: none. */
static inline struct upager *self_open(void)
{
	struct upager *u = NULL;

	upager_open(self_pager->socket, &u);
	return u;
}

#define self_ok(sh, u, call)                                                                 \
	do {                                                                                 \
		int _err = (call);                                                           \
		if (_err)                                                                    \
			return target_fail(sh, "line %d: %s: %d: %s", __LINE__, #call, _err, \
					   upager_last_reply(u)->text);                      \
	} while (0)

static inline struct upager_record self_status(struct upager *u)
{
	struct upager_record *list = NULL, rec = { 0 };
	uint32_t n = 0;

	if (!upager_status(u, getpid(), &list, &n) && n)
		rec = list[0];
	free(list);
	return rec;
}

/* Until no more of it is there than the budget allows; touches none. */
static inline bool self_within(const uint8_t *p, uint64_t nr_pages, uint64_t budget_bytes)
{
	return wait_until(20, memory_resident(p, nr_pages) <=
				      (budget_bytes + budget_bytes / 10) / PAGE_SIZE);
}

/* ---- in the test ---- */

/* As PAGER_FIXTURE(), but there is no stopped eviction of what pages itself. */
#define SELF_FIXTURE(name)                                                     \
	FIXTURE(name)                                                          \
	{                                                                      \
		struct pager pager;                                            \
	};                                                                     \
	FIXTURE_SETUP(name)                                                    \
	{                                                                      \
		struct pager_options opt = { 0 };                              \
		struct uffd_caps caps;                                         \
                                                                               \
		if (uffd_probe(&caps) || !caps.move || !caps.dev_userfaultfd)  \
			SKIP(return, "no UFFDIO_MOVE or no /dev/userfaultfd"); \
		ASSERT_EQ(0, pager_start(&self->pager, &opt));                 \
		self_pager = &self->pager;                                     \
	}                                                                      \
	PAGER_TEARDOWN(name)

static inline int self_run(target_fn fn)
{
	struct target t = target_fork(fn);

	target_let(&t, 1);
	return target_end(&t);
}

#endif
