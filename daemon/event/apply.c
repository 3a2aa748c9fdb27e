// SPDX-License-Identifier: GPL-2.0-only
#include "event/apply.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "event/fork.h"
#include "event/late_unmap.h"
#include "kernel/vma.h"
#include "memory/page.h"

static struct run range_pages(uint64_t start, uint64_t end)
{
	return (struct run){ addr_pgno(start), (uint32_t)((end - start) >> PAGE_SHIFT) };
}

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

static void apply_unmap(struct pager *pg, struct space *sp, uint64_t start, uint64_t end)
{
	bool late = late_unmap_came(pg, sp, start, end);

	/*
	 * If it is, what is there now keeps its pages.  It may be nothing, after
	 * MREMAP_DONTUNMAP: so it is not known registered, until the rescan says so.
	 */
	if (late)
		sp->reports.rescan_wanted = true;
	else
		page_drop(pg, sp, addr_pgno(start), addr_pgno(end));
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

/*
 * Progress of a REMAP, in .reserved1: how much moved, in pages, is in .reserved2
 * and .reserved3, since it cannot be asked again; the destination is empty, so that what is there
 * has been moved.
 */
enum remap_progress {
	REMAP_READ,
	REMAP_CLAMPED,
	REMAP_CLEARED,
};

static void advance(struct uffd_msg *msg, enum remap_progress to)
{
	__atomic_store_n(&msg->reserved1, (uint8_t)to, __ATOMIC_RELEASE);
	failpoint(FP_EVENT_ADVANCED);
}

static void apply_remap(struct pager *pg, struct space *sp, struct uffd_msg *msg)
{
	uint64_t from = msg->arg.remap.from, to = msg->arg.remap.to, bytes = msg->arg.remap.len;
	struct run source = range_pages(from, from + bytes);
	uint64_t moved;

	sp->worker.moved = true;
	if (msg->reserved1 < REMAP_CLAMPED) {
		moved = remap_bytes(pg, sp, from, to, bytes) >> PAGE_SHIFT;
		msg->reserved2 = (uint16_t)(moved >> 32);
		msg->reserved3 = (uint32_t)moved;
		advance(msg, REMAP_CLAMPED);
	}
	moved = ((uint64_t)msg->reserved2 << 32 | msg->reserved3) << PAGE_SHIFT;
	if (msg->reserved1 < REMAP_CLEARED) {
		page_drop(pg, sp, addr_pgno(to), addr_pgno(to + moved));
		late_unmap_expect(sp, from, from + bytes);
		advance(msg, REMAP_CLEARED);
	}
	page_shift(pg, sp, source.first, addr_pgno(to), moved >> PAGE_SHIFT);
	/* What did not fit was unmapped with the source. */
	page_drop(pg, sp, addr_pgno(from + moved), addr_pgno(from + bytes));
	pthread_mutex_lock(&sp->lock);
	/* The new mapping keeps the registration; the old one is gone or empty. */
	region_move(&sp->locked.regions, source.first, addr_pgno(to), moved >> PAGE_SHIFT);
	forget_region(sp, source.first, addr_pgno(from + bytes));
	region_add(&sp->locked.regions, addr_pgno(to),
		   addr_pgno(to + moved)); /* or the rescan does */
	map_changed(pg, sp);
	sp->reports.rescan_wanted = true; /* MREMAP_DONTUNMAP leaves the source registered */
	pthread_mutex_unlock(&sp->lock);
}

bool apply_has_room(struct pager *pg, struct space *sp, const struct uffd_msg *msg)
{
	switch (msg->event) {
	case UFFD_EVENT_REMOVE:
	case UFFD_EVENT_UNMAP:
		return page_drop_room(pg);
	case UFFD_EVENT_REMAP:
		return page_shift_room(pg, sp, addr_pgno(msg->arg.remap.from),
				       addr_pgno(msg->arg.remap.to),
				       msg->arg.remap.len >> PAGE_SHIFT);
	default:
		return true; /* a fork sees for itself */
	}
}

void apply_event(struct pager *pg, struct space *sp, struct uffd_msg *msg)
{
	switch (msg->event) {
	case UFFD_EVENT_REMOVE:
		if (!apply_is_own_remove(sp, msg))
			apply_remove(pg, sp, msg->arg.remove.start, msg->arg.remove.end);
		break;
	case UFFD_EVENT_UNMAP:
		apply_unmap(pg, sp, msg->arg.remove.start, msg->arg.remove.end);
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
