// SPDX-License-Identifier: GPL-2.0-only
#include "control/advice.h"

#include <errno.h>
#include <stdio.h>

#include "control/self.h"

/* Of the budget; the rest is what everything else pages in and out through. */
#define PINNED_PART(budget) ((budget) / 4 * 3)
#define AHEAD_PART(budget)  ((budget) / 2)

static const enum region_hint hints[UPAGER_ADVICE_MAX + 1] = {
	[UPAGER_NORMAL] = REGION_PLAIN,
	[UPAGER_COLD] = REGION_COLD,
	[UPAGER_SEQUENTIAL] = REGION_SEQUENTIAL,
	[UPAGER_RANDOM] = REGION_RANDOM,
	[UPAGER_PIN] = REGION_PINNED,
};

/* Under the lock.  What is pinned already is counted twice: nobody pins by halves. */
static bool pins_too_much(const struct space *sp, pgno_t first, pgno_t end)
{
	return regions_hinted(&sp->locked.regions, REGION_PINNED) + (end.v - first.v) >
	       PINNED_PART(sp->orders.budget_pages);
}

static int give(struct space *sp, pgno_t first, pgno_t end, enum upager_advice advice)
{
	if (advice != UPAGER_WILLNEED) {
		if (advice == UPAGER_PIN && pins_too_much(sp, first, end))
			return -E2BIG;
		sp->orders.hinted = true;
		if (advice == UPAGER_COLD)
			sp->policy.cold = first;
		return region_hint(&sp->locked.regions, first, end, hints[advice]);
	}
	/* More would push out again what it has just brought in. */
	end.v = min_t(uint64_t, end.v, first.v + AHEAD_PART(sp->orders.budget_pages));
	sp->orders.fetch_wanted = true;
	return run_list_add(&sp->locked.fetch, first, end);
}

int advice_give(struct housekeeping *h, struct proc *p, uint64_t addr, uint64_t bytes,
		enum upager_advice advice, char text[UPAGER_TEXT_BYTES])
{
	pgno_t first = addr_pgno(addr), end = addr_pgno(addr + bytes);
	struct space *sp = p->space;
	bool known;
	int err;

	known = sp && self_knows(h, p, first, end);
	if (!sp)
		goto unknown;
	pthread_mutex_lock(&sp->lock);
	err = give(sp, first, end, advice);
	pthread_mutex_unlock(&sp->lock);
	if (err == -E2BIG) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "no more than three quarters of a budget can be pinned: raise it first");
		return -ENOMEM;
	}
	if (err)
		return err;
	pager_kick_worker(h->pg);
	if (!known)
		goto unknown;
	if (advice != UPAGER_PIN)
		return 0;
	self_range_job(h, p, first, end);
	return -EINPROGRESS;

unknown:
	snprintf(text, UPAGER_TEXT_BYTES, "not all of the range is paged");
	return -ENOMEM;
}
