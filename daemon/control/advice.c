// SPDX-License-Identifier: GPL-2.0-only
#include "control/advice.h"

#include <errno.h>
#include <stdio.h>

#include "control/self.h"

/* Of the budget; the rest is what everything else pages in and out through. */
#define PINNED_PART(budget) ((budget) / 4 * 3)
#define AHEAD_PART(budget)  ((budget) / 2)
/* Ranges that are still to be fetched: the worker looks through them under the lock. */
#define AHEAD_MAX	    1024

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

/* Under the lock.  More would not outlive the daemon. */
static bool pins_too_many(const struct space *sp)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < sp->locked.regions.nr; i++)
		nr += sp->locked.regions.at[i].hint == REGION_PINNED;
	return nr >= PINS_MAX;
}

static int hint(struct space *sp, pgno_t first, pgno_t end, enum upager_advice advice)
{
	int err;

	if (advice == UPAGER_PIN && pins_too_much(sp, first, end))
		return -E2BIG;
	if (advice == UPAGER_PIN && pins_too_many(sp))
		return -EMLINK;
	sp->orders.hinted = true;
	if (advice == UPAGER_COLD)
		sp->policy.cold = first;
	err = region_hint(&sp->locked.regions, first, end, hints[advice]);
	hint_record_save(sp->locked.hints, &sp->locked.regions);
	return err;
}

static int give(struct space *sp, pgno_t first, pgno_t end, enum upager_advice advice)
{
	if (advice != UPAGER_WILLNEED)
		return hint(sp, first, end, advice);
	if (sp->locked.fetch.nr >= AHEAD_MAX)
		return 0; /* it is only a hint, and what comes first is not there yet */
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
	if (advice != UPAGER_WILLNEED && !sp->locked.hints) {
		struct hint_record *rec = pager_hints(h->pg, sp->id);

		if (!rec) {
			snprintf(text, UPAGER_TEXT_BYTES,
				 "no room in the state directory to write hints down");
			return -ENOSPC;
		}
		pthread_mutex_lock(&sp->lock);
		sp->locked.hints = rec;
		pthread_mutex_unlock(&sp->lock);
	}
	pthread_mutex_lock(&sp->lock);
	err = give(sp, first, end, advice);
	pthread_mutex_unlock(&sp->lock);
	if (err == -E2BIG) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "no more than three quarters of a budget can be pinned: raise it first");
		return -ENOMEM;
	}
	if (err == -EMLINK) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "no more than %d ranges can be pinned: pin neighbours together", PINS_MAX);
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
