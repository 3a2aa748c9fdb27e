// SPDX-License-Identifier: GPL-2.0-only
#include "fault/fill.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/probe.h"
#include "fault/read_retry.h"
#include "kernel/vma.h"
#include "memory/kept.h"
#include "memory/page.h"

#define RETRY_LATER_NS NS_PER_MS

void fill_wait(struct pager *pg, struct space *sp, struct fault f)
{
	if (sp->worker.deferred.nr >= FAULTS_MAX / 2) {
		/* Others have faults, too: who waits for it faults again. */
		uffd_wake(sp->uffd, (struct run){ f.page, 1 });
		return;
	}
	f.space = sp->id;
	fault_list_add(&pg->worker.faults, &sp->worker.deferred, f);
}

void fill_later(struct pager *pg, struct space *sp, struct fault f)
{
	fill_wait(pg, sp, f);
	sp->worker.retry_at_ns = clock_ns() + RETRY_LATER_NS;
}

/*
 * Huge pages, mapped where there was a hole when that was registered with what
 * is before it.  They are not ours: all of that mapping is let go of, which
 * wakes who waits.
 */
static bool let_go_of_huge(const struct space *sp, pgno_t n)
{
	struct vma v;

	/* Never what may be ours; no event unread: nothing of ours was moved there since. */
	return !vma_find(sp->process.maps_fd, pgno_addr(n), &v) && !v.anonymous &&
	       uffd_covers(sp->uffd, v.start, PAGE_SIZE) != -EAGAIN &&
	       !uffd_unregister(sp->uffd, v.start, v.end - v.start);
}

bool fill_failed(struct pager *pg, struct space *sp, struct fault f, int error)
{
	switch (error) {
	case -EEXIST: /* somebody was faster, or a REMOVE's zap is still to come [F3] */
	case -ENOENT: /* no such mapping any more: the program shall see that */
		uffd_wake(sp->uffd, (struct run){ f.page, 1 });
		return true;
	case -ESRCH:
		sp->phase = SPACE_CLOSING;
		return true;
	case -EINVAL: /* small pages cannot be put there */
		if (let_go_of_huge(sp, f.page))
			return true;
		fill_later(pg, sp, f);
		return false;
	case -ENOMEM: /* the target's own memory cgroup is full [F19] */
		sp->worker.starved = true;
		/* fall through */
	default:
		fill_later(pg, sp, f);
		return false;
	}
}

void fill_rescue(struct pager *pg, struct space *sp, struct fault f, struct page p)
{
	struct standby *sb = &sp->standby;
	enum place_state place = standby_state(sb, p.place);
	struct uffd_fill fill;
	/* A slot that is still being written is the write's alone. */
	slot_t slot = p.dirty || !kept_may(pg) ? SLOT_NONE : p.slot;

	fill = uffd_copy(sp->uffd, (struct run){ f.page, 1 }, standby_data(sb, p.place));
	if (!fill.filled && fill.error != -EEXIST) {
		/* Nobody waits for it: who brings everything in comes by again. */
		if (!f.begin_ns && (fill.error == -EAGAIN || fill.error == -ENOMEM))
			sp->worker.starved |= fill.error == -ENOMEM;
		else
			fill_failed(pg, sp, f, fill.error);
		return;
	}
	page_change(
		pg, sp, f.page, p,
		(struct page){ .state = PAGE_RESIDENT, .age = POLICY_AGE_RESCUED, .slot = slot });
	standby_set(sb, p.place, place == PLACE_WRITING ? PLACE_ORPHAN : PLACE_FREE, (pgno_t){ 0 });
	space_count(&sp->stats.rescues, 1);
	PROBE_3(rescue, sp->process.pid, f.page.v << PAGE_SHIFT, f.begin_ns != 0);
	/* Or what a stream rescued would stay in others' place. */
	if (f.begin_ns && space_hint(sp, f.page) == REGION_SEQUENTIAL)
		space_leave_behind(sp, f.page);
	if (f.begin_ns)
		space_latency(sp, f.page, f.begin_ns);
}

void fill_lost(struct pager *pg, struct space *sp, struct fault f)
{
	struct uffd_fill fill;

	if (pg->caps.poison) {
		fill = uffd_poison(sp->uffd, (struct run){ f.page, 1 });
		if (!fill.filled)
			fill_failed(pg, sp, f, fill.error);
		else if (f.begin_ns)
			space_latency(sp, f.page, f.begin_ns);
		return;
	}
	/* Before 6.6 by signal; a handler that returns gets it again. */
	if (sp->process.pid && f.tid)
		syscall(SYS_tgkill, sp->process.pid, (pid_t)f.tid, SIGBUS);
	uffd_wake(sp->uffd, (struct run){ f.page, 1 });
}

void fill_lose(struct pager *pg, struct space *sp, struct fault f, struct page p)
{
	page_change(pg, sp, f.page, p, (struct page){ .state = PAGE_LOST });
	space_count(&sp->stats.lost, 1);
	read_health(pg, p.slot)->lost++;
	fill_lost(pg, sp, f);
	pager_kick_housekeeping(pg);
}
