// SPDX-License-Identifier: GPL-2.0-only
#include "event/apply.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "event/aside.h"
#include "event/fork.h"
#include "event/late_unmap.h"
#include "kernel/vma.h"
#include "memory/page.h"

bool apply_is_own_remove(const struct space *sp, const struct uffd_msg *msg)
{
	const struct agent *ag = &sp->agent;
	uint64_t start = msg->arg.remove.start, end = msg->arg.remove.end;

	if (msg->event != UFFD_EVENT_REMOVE)
		return false;
	if (space_is_ours(sp, start))
		return true;
	for (uint32_t n = ag->settled; n != ag->posted; n++) {
		const struct agent_post *post = &ag->posts->post[n % AGENT_BATCHES];

		if (post->mode != AGENT_COPY_DROP)
			continue;
		for (uint32_t i = 0; i < post->nr_runs; i++) {
			uint64_t first = pgno_addr(post->at[i].run.first);

			if (start >= first && end <= first + post->at[i].run.nr_pages * PAGE_SIZE)
				return true;
		}
	}
	return false;
}

static void apply_remove(struct pager *pg, struct space *sp, uint64_t start, uint64_t end)
{
	/*
	 * VIRGIN pages are no victims, so pages whose zap is still to come are
	 * safe from the agent; adoption leaves them alone too [F3].
	 */
	page_drop(pg, sp, addr_pgno(start), addr_pgno(end));
	quarantine_add(&sp->quarantine, addr_pgno(start), addr_pgno(end), clock_ns());
}

/* Under the lock.  What is not known registered is never evicted. */
static void forget_region(struct space *sp, pgno_t first, pgno_t end)
{
	if (!region_cut(&sp->locked.regions, first, end))
		return;
	regions_forget(&sp->locked.regions);
	sp->reports.rescan_wanted = true;
}

/* Under the lock: for who looked before, and for the next daemon. */
static void map_changed(struct pager *pg, struct space *sp)
{
	pg->state.records[sp->id].map_changes = ++sp->locked.map_changes;
	if (sp->locked.hints)
		hint_record_save(sp->locked.hints, &sp->locked.regions);
}

/*
 * Progress, in .reserved1; not 0 before anything in the state file is the event's
 * own (event/aside.h, event/late_unmap.h).  Of a REMAP how much moved, in pages, is
 * in .reserved2 and .reserved3, since it cannot be asked again; what is at the
 * destination goes aside; the destination is empty, so that what is there has
 * been moved.
 */
enum progress {
	UNTOUCHED,
	UNMAP_BEGUN,
	REMAP_CLAMPED = UNMAP_BEGUN,
	REMAP_ASIDE,
	REMAP_CLEARED,
};

static void advance(struct uffd_msg *msg, enum progress to)
{
	__atomic_store_n(&msg->reserved1, (uint8_t)to, __ATOMIC_RELEASE);
	failpoint(FP_EVENT_ADVANCED);
}

/* What the event is about, at [start, end), goes.  True: something else stays there. */
static bool drop(struct pager *pg, struct space *sp, uint64_t start, uint64_t end)
{
	struct aside_part part;
	bool stays = false;

	for (uint64_t at = start; aside_next(sp, &at, end, &part); stays |= part.aside) {
		if (part.aside)
			page_drop(pg, sp, aside_page(part.first), aside_page(part.end));
		else
			page_drop(pg, sp, part.first, part.end);
	}
	return stays;
}

static void apply_unmap(struct pager *pg, struct space *sp, struct uffd_msg *msg)
{
	uint64_t start = msg->arg.remove.start, end = msg->arg.remove.end;
	bool stays;

	advance(msg, UNMAP_BEGUN);
	stays = late_unmap_came(pg, sp, start, end);
	if (!stays) {
		aside_meet(pg, sp, start, end);
		stays = drop(pg, sp, start, end);
	}
	/*
	 * What is there now keeps its pages.  It may be nothing, after
	 * MREMAP_DONTUNMAP: so it is not known registered, until the rescan says so.
	 */
	if (stays)
		sp->reports.rescan_wanted = true;
	pthread_mutex_lock(&sp->lock);
	forget_region(sp, addr_pgno(start), addr_pgno(end));
	map_changed(pg, sp);
	pthread_mutex_unlock(&sp->lock);
}

/*
 * How much really moved.  Kernels up to 6.12 report the old length when
 * mremap() shrinks [F6].  Where that may be, the destination was just mapped:
 * it ends at its VMA's end, and where a neighbour of ours that it merged with
 * begins.  But since the event was read the program may have split or unmapped
 * it, so it is not asked where nothing can have shrunk: MREMAP_DONTUNMAP, which
 * returns with this event, leaves the source mapped and never shrinks.  Any
 * other mremap() still waits for the UNMAP of its source to be read.
 */
static uint64_t remap_bytes(struct pager *pg, struct space *sp, uint64_t from, uint64_t to,
			    uint64_t bytes)
{
	const struct region *next;
	struct vma v;

	if (pg->caps.remap_exact || !vma_find(sp->process.maps_fd, from, &v))
		return bytes;
	if (!vma_find(sp->process.maps_fd, to, &v))
		bytes = min_t(uint64_t, bytes, v.end - to);
	pthread_mutex_lock(&sp->lock);
	next = region_next(&sp->locked.regions, addr_pgno(to));
	if (next && next->first.v > addr_pgno(to).v)
		bytes = min_t(uint64_t, bytes, pgno_addr(next->first) - to);
	pthread_mutex_unlock(&sp->lock);
	return bytes;
}

/* The destination comes to be empty, and whose it is what is at the source is decided. */
static void clear(struct pager *pg, struct space *sp, struct uffd_msg *msg, uint64_t moved)
{
	uint64_t from = msg->arg.remap.from, to = msg->arg.remap.to, bytes = msg->arg.remap.len;
	pgno_t first = addr_pgno(to), end = addr_pgno(to + moved);

	if (msg->reserved1 < REMAP_ASIDE && aside_open(pg, sp, msg, to, to + moved))
		advance(msg, REMAP_ASIDE);
	if (msg->reserved1 == REMAP_ASIDE)
		page_shift(pg, sp, first, aside_page(first), moved >> PAGE_SHIFT);
	else
		page_drop(pg, sp, first, end);
	aside_meet(pg, sp, from, from + bytes);
	late_unmap_expect(sp, from, from + bytes);
	advance(msg, REMAP_CLEARED);
}

static void shift(struct pager *pg, struct space *sp, const struct uffd_msg *msg, uint64_t moved)
{
	uint64_t from = msg->arg.remap.from, distance = msg->arg.remap.to - from;
	struct aside_part part;

	for (uint64_t at = from; aside_next(sp, &at, from + moved, &part);)
		page_shift(pg, sp, part.aside ? aside_page(part.first) : part.first,
			   addr_pgno(pgno_addr(part.first) + distance), part.end.v - part.first.v);
}

static void apply_remap(struct pager *pg, struct space *sp, struct uffd_msg *msg)
{
	uint64_t from = msg->arg.remap.from, to = msg->arg.remap.to, bytes = msg->arg.remap.len;
	uint64_t moved;

	sp->worker.moved = true;
	if (msg->reserved1 < REMAP_CLAMPED) {
		moved = remap_bytes(pg, sp, from, to, bytes) >> PAGE_SHIFT;
		msg->reserved2 = (uint16_t)(moved >> 32);
		msg->reserved3 = (uint32_t)moved;
		advance(msg, REMAP_CLAMPED);
	}
	moved = ((uint64_t)msg->reserved2 << 32 | msg->reserved3) << PAGE_SHIFT;
	if (msg->reserved1 < REMAP_CLEARED)
		clear(pg, sp, msg, moved);
	shift(pg, sp, msg, moved);
	/* What did not fit was unmapped with the source. */
	drop(pg, sp, from + moved, from + bytes);
	pthread_mutex_lock(&sp->lock);
	/* The new mapping keeps the registration; the old one is gone or empty. */
	region_move(&sp->locked.regions, addr_pgno(from), addr_pgno(to), moved >> PAGE_SHIFT);
	forget_region(sp, addr_pgno(from), addr_pgno(from + bytes));
	region_add(&sp->locked.regions, addr_pgno(to),
		   addr_pgno(to + moved)); /* or the rescan does */
	map_changed(pg, sp);
	sp->reports.rescan_wanted = true; /* MREMAP_DONTUNMAP leaves the source registered */
	pthread_mutex_unlock(&sp->lock);
}

/* Of an event by which [start, end) goes, where something may be aside. */
static uint64_t need_apart(struct pager *pg, const struct space *sp, uint64_t start, uint64_t end)
{
	uint32_t nr_parts = aside_parts(sp, start, end);
	pgno_t first = addr_pgno(start);

	if (nr_parts == 1)
		return page_drop_need(1);
	return page_drop_need(2 * nr_parts) +
	       page_doubt_both_need(pg, sp, first, aside_page(first), (end - start) >> PAGE_SHIFT);
}

static uint64_t remap_need(struct pager *pg, const struct space *sp, const struct uffd_msg *msg)
{
	uint64_t from = msg->arg.remap.from, bytes = msg->arg.remap.len, nr = bytes >> PAGE_SHIFT;
	pgno_t source = addr_pgno(from), to = addr_pgno(msg->arg.remap.to), n;
	uint64_t need = need_apart(pg, sp, from, from + bytes) + page_drop_need(1) +
			page_shift_need(pg, sp, source, to, nr);

	if (page_find(pg, sp, to, pgno_add(to, nr), &n))
		need += page_shift_need(pg, sp, to, aside_page(to), nr);
	if (aside_parts(sp, from, from + bytes) > 1)
		need += page_shift_need(pg, sp, aside_page(source), to, nr);
	return need;
}

bool apply_has_room(struct pager *pg, struct space *sp, const struct uffd_msg *msg)
{
	switch (msg->event) {
	case UFFD_EVENT_REMOVE:
		return page_drop_room(pg);
	case UFFD_EVENT_UNMAP:
		return tables_claim(pg->tables,
				    need_apart(pg, sp, msg->arg.remove.start, msg->arg.remove.end));
	case UFFD_EVENT_REMAP:
		return tables_claim(pg->tables, remap_need(pg, sp, msg));
	default:
		return true; /* a fork sees for itself */
	}
}

/* By a daemon that died: the first that is not applied is the only one that may be. */
static bool one_is_begun(const struct space *sp)
{
	const struct uffd_msg *msg = sp->events->msg, *last = msg + EVENTS_BATCH;

	while (msg < last && msg->event != UFFD_EVENT_UNMAP && msg->event != UFFD_EVENT_REMAP) {
		if (!msg->event)
			return false;
		msg++;
	}
	return msg < last && msg->reserved1 != UNTOUCHED;
}

void apply_settle(struct pager *pg, struct space *sp)
{
	if (one_is_begun(sp))
		return;
	aside_settle(pg, sp);
	late_unmap_settle(sp);
}

void apply_event(struct pager *pg, struct space *sp, struct uffd_msg *msg)
{
	switch (msg->event) {
	case UFFD_EVENT_REMOVE:
		if (!apply_is_own_remove(sp, msg))
			apply_remove(pg, sp, msg->arg.remove.start, msg->arg.remove.end);
		break;
	case UFFD_EVENT_UNMAP:
		apply_unmap(pg, sp, msg);
		break;
	case UFFD_EVENT_REMAP:
		apply_remap(pg, sp, msg);
		break;
	case UFFD_EVENT_FORK:
		fork_apply(pg, sp, (int)msg->arg.fork.ufd);
		break;
	default:
		break;
	}
}
