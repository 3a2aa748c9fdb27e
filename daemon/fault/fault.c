// SPDX-License-Identifier: GPL-2.0-only
/*
 * FAULT: page (state) -> fill at once (zero, or from standby), or swapin.c, or
 * wait.
 */
#include "fault/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "evict/budget.h"
#include "fault/arrival.h"
#include "fault/fill.h"
#include "fault/handed.h"
#include "fault/swapin.h"
#include "kernel/present.h"
#include "kernel/vma.h"
#include "memory/page.h"
#include "memory/stall_space.h"

#define ZERO_WINDOW_MAX	   64
#define DETACH_PATIENCE_NS (20 * NS_PER_MS)
#define FORKED_LOOK_NS	   (5 * NS_PER_MS)
/* How often the budget is looked at while faults wait for it. */
#define THROTTLE_LOOK_NS   (5 * NS_PER_MS)

/* Until housekeeping has found out about it. */
static void defer_forked(struct pager *pg, struct space *sp, struct fault f)
{
	fill_wait(pg, sp, f);
	if (!sp->reports.first_tid) {
		sp->reports.first_tid = f.tid;
		pager_kick_housekeeping(pg);
	}
	/* That thread may prove to be another process's: then the next one is named. */
	if (!sp->worker.retry_at_ns)
		sp->worker.retry_at_ns = clock_ns() + FORKED_LOOK_NS;
}

/*
 * Until an eviction makes room, or room appears without one: the program
 * unmapped something, the sampled part shrank, the budget was raised.
 */
static void defer_throttled(struct pager *pg, struct space *sp, struct fault f)
{
	fill_wait(pg, sp, f);
	if (!sp->worker.retry_at_ns)
		sp->worker.retry_at_ns = clock_ns() + THROTTLE_LOOK_NS;
}

/* New memory, for which there is no room in the end. */
static void refuse_or_defer(struct pager *pg, struct space *sp, struct fault f)
{
	if (sp->reports.area_full && pg->trouble.when_full == WHEN_FULL_SIGBUS)
		fill_lost(pg, sp, f);
	else
		defer_throttled(pg, sp, f);
}

/* They are present without having been handed on. */
static void note_forked(struct space *sp, struct run run)
{
	range_set_add(&sp->worker.born_touched, run.first, pgno_add(run.first, run.nr_pages));
}

/* First touches: a window of VIRGIN pages that grows while they come in order. */
static void fill_zero(struct pager *pg, struct space *sp, struct fault f)
{
	const struct region *r;
	uint64_t room = budget_room(sp);
	uint32_t want = 1, n = 1;
	struct uffd_fill fill;

	pthread_mutex_lock(&sp->lock);
	r = region_find(&sp->locked.regions, f.page);
	if (!r && !space_is_ours(sp, pgno_addr(f.page)))
		sp->reports.rescan_wanted = true; /* grown in place */
	if (r && f.page.v == sp->worker.zero_next.v)
		want = min_t(uint32_t, sp->worker.zero_window * 2, ZERO_WINDOW_MAX);
	if (r && r->hint == REGION_SEQUENTIAL) {
		want = ZERO_WINDOW_MAX;
		space_leave_behind(sp, f.page);
	} else if (r && r->hint == REGION_RANDOM) {
		want = 1;
	}
	want = (uint32_t)min_t(uint64_t, want, max_t(uint64_t, room, 1));
	if (r)
		want = (uint32_t)min_t(uint64_t, want, r->end.v - f.page.v);
	pthread_mutex_unlock(&sp->lock);
	while (n < want && page_read(pg, sp, pgno_add(f.page, n)).state == PAGE_VIRGIN)
		n++;
	fill = uffd_zero(sp->uffd, (struct run){ f.page, n });
	/*
	 * Without room, or if it is not known what was mapped there, it stays
	 * VIRGIN: as if it had come before we did, until it is adopted.
	 */
	if (r && page_room(pg, sp, (struct run){ f.page, n }))
		for (uint32_t i = 0; i < fill.filled; i++)
			page_change(
				pg, sp, pgno_add(f.page, i), (struct page){ .state = PAGE_VIRGIN },
				(struct page){ .state = PAGE_RESIDENT, .age = POLICY_AGE_FILLED });
	if (!fill.filled) {
		fill_failed(pg, sp, f, fill.error);
		return;
	}
	if (sp->phase == SPACE_FORKED)
		note_forked(sp, (struct run){ f.page, fill.filled });
	sp->worker.zero_window = n;
	sp->worker.zero_next = pgno_add(f.page, fill.filled);
	space_count(&sp->stats.zero_fills, fill.filled);
	space_latency(sp, f.page, f.begin_ns);
}

/*
 * Its parent had that page.  If it is not here it was wiped, or it was nothing
 * but zeros for its parent, too, and was not copied for that.
 */
static void fill_forked(struct pager *pg, struct space *sp, struct fault f)
{
	struct run run = { f.page, 1 };
	struct uffd_fill fill = uffd_zero(sp->uffd, run);

	if (!fill.filled) {
		fill_failed(pg, sp, f, fill.error);
		return;
	}
	note_forked(sp, run);
	space_count(&sp->stats.zero_fills, 1);
	space_latency(sp, f.page, f.begin_ns);
}

/*
 * A fault on a page that should be there.  Mostly a second thread's, read
 * after the first one's was filled: waking is enough.  If it really is absent
 * with all events applied, it was zapped without an event (guard regions, F9),
 * and the kernel's answer to that is zero.
 */
static void fill_resident(struct pager *pg, struct space *sp, struct fault f, struct page p)
{
	int present;

	if (sp->phase == SPACE_FORKED) {
		fill_forked(pg, sp, f);
		return;
	}
	present = present_one(sp->process.pagemap_fd, f.page);
	if (present || f.tries < 2) {
		uffd_wake(sp->uffd, (struct run){ f.page, 1 });
		if (!present) {
			f.tries++;
			f.waits = false; /* it is counted anew if it faults again */
			fill_later(pg, sp, f);
		}
		return;
	}
	/* All events applied: only the kernel knows. */
	if (uffd_has_unread(sp->uffd) || !page_room(pg, sp, (struct run){ f.page, 1 })) {
		fill_later(pg, sp, f);
		return;
	}
	page_change(pg, sp, f.page, p, (struct page){ .state = PAGE_VIRGIN });
	space_count(&sp->stats.unexpected, 1);
	fill_zero(pg, sp, f);
}

/* Whether a page that would become resident has to wait for an eviction. */
static bool throttled(struct pager *pg, struct space *sp, struct fault *f)
{
	if (budget_room(sp) || sp->phase != SPACE_LIVE)
		return false;
	if (!space_can_evict(sp) &&
	    (!sp->reports.area_full || pg->trouble.when_full == WHEN_FULL_GROW))
		return false;
	/* It would wait for itself: what it un-shares may have been given away meanwhile. */
	if (agent_is_thread(&sp->agent, f->tid))
		return false;
	if (exit_pages_have(&sp->worker.exit_pages, f->page))
		return false; /* it is wanted by one that does not fault */
	/* Its thread may be the one that cannot be stopped before it has the page. */
	if (sp->orders.stop_failed || sp->orders.stop_vain)
		return false;
	if (!f->throttled) {
		f->throttled = true;
		space_count(&sp->stats.throttled, 1);
	}
	return true;
}

void fault_begin(struct pager *pg, struct space *sp, struct fault f)
{
	struct page p = page_read(pg, sp, f.page);

	if (sp->phase == SPACE_FORKED && p.state != PAGE_VIRGIN && p.state != PAGE_RESIDENT &&
	    !handed_on(pg, sp, f.page)) {
		defer_forked(pg, sp, f);
		return;
	}
	/* Lifting it fails while an event is unread; MADV_FREE may have come since. */
	if (f.write_protect && (p.state == PAGE_RESIDENT || p.state == PAGE_VIRGIN)) {
		uffd_write_protect(sp->uffd, (struct run){ f.page, 1 }, false);
		uffd_wake(sp->uffd, (struct run){ f.page, 1 });
		return;
	}
	/* What comes back may need a table of this space's own. */
	if ((p.state == PAGE_STANDBY || p.state == PAGE_SWAPPED) &&
	    !page_may_return(pg, sp, f.page)) {
		fill_later(pg, sp, f);
		return;
	}
	switch (p.state) {
	case PAGE_VIRGIN:
		if (!space_is_ours(sp, pgno_addr(f.page)) && throttled(pg, sp, &f))
			refuse_or_defer(pg, sp, f);
		else
			fill_zero(pg, sp, f);
		break;
	case PAGE_RESIDENT:
		fill_resident(pg, sp, f, p);
		break;
	case PAGE_DETACHING:
		/*
		 * Until the batch is settled [F10].  That must not take long, and
		 * never when it is the agent itself that waits.
		 */
		if (agent_is_thread(&sp->agent, f.tid) ||
		    clock_ns() - f.begin_ns > DETACH_PATIENCE_NS)
			sp->worker.revoke_wanted = true;
		fill_later(pg, sp, f);
		break;
	case PAGE_STANDBY:
		fill_rescue(pg, sp, f, p);
		break;
	case PAGE_SWAPPED:
		if (throttled(pg, sp, &f))
			defer_throttled(pg, sp, f);
		else if (!swapin_begin(pg, sp, f, p))
			fill_later(pg, sp, f);
		break;
	case PAGE_LOST:
		fill_lost(pg, sp, f);
		break;
	default:
		abort();
	}
}

bool fault_ask(struct pager *pg, struct space *sp, pgno_t n)
{
	if (!pg->worker.faults.nr_free)
		return false;
	fill_wait(pg, sp, (struct fault){ .page = n, .begin_ns = clock_ns() });
	sp->worker.retry = true;
	return true;
}

void fault_retry(struct pager *pg, struct space *sp)
{
	struct fault_list again;
	struct fault f;

	sp->worker.retry = false;
	sp->worker.retry_at_ns = 0;
	arrival_retry(pg, sp);
	again = sp->worker.deferred;
	sp->worker.deferred = (struct fault_list){ 0 };
	while (fault_list_take(&pg->worker.faults, &again, &f))
		fault_begin(pg, sp, f);
	stall_look(pg, sp);
}
