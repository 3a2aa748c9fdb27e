// SPDX-License-Identifier: GPL-2.0-only
#include "event/apply.h"

#include <errno.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "event/fork.h"
#include "event/moves.h"
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

static void apply_unmap(struct pager *pg, struct space *sp, uint64_t start, uint64_t end,
			const struct stays *stays)
{
	struct page_range part;

	for (uint64_t at = start; !stays->late && stays_next(stays, &at, end, &part);) {
		page_drop(pg, sp, part.first, part.end);
		pthread_mutex_lock(&sp->lock);
		forget_region(sp, part.first, part.end);
		pthread_mutex_unlock(&sp->lock);
	}
	pthread_mutex_lock(&sp->lock);
	map_changed(pg, sp);
	pthread_mutex_unlock(&sp->lock);
	if (stays->late)
		moves_came(sp, start, end);
	else
		moves_went(sp, start, end);
	if (stays->late || stays->nr)
		sp->reports.rescan_wanted = true; /* which corrects what is known registered */
}

/*
 * Progress of a REMAP, in .reserved1: how much moved, in pages, is in .reserved3,
 * and in .reserved2 what cannot be asked again; the destination is empty, so that
 * what is there has been moved.
 */
enum remap_progress {
	REMAP_READ,
	REMAP_LOOKED_AT,
	REMAP_CLEARED,
};

#define REMAP_SURE	 1 /* nothing is mapped where it was */
#define REMAP_MAY_SHRINK 2

static void advance(struct uffd_msg *msg, enum remap_progress to)
{
	__atomic_store_n(&msg->reserved1, (uint8_t)to, __ATOMIC_RELEASE);
	failpoint(FP_EVENT_ADVANCED);
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
void apply_look_at(struct pager *pg, struct space *sp, struct uffd_msg *msg)
{
	uint64_t bytes = msg->arg.remap.len, to = msg->arg.remap.to;
	struct vma v;
	int err;

	if (msg->event != UFFD_EVENT_REMAP || msg->reserved1 >= REMAP_LOOKED_AT)
		return;
	err = vma_find(sp->process.maps_fd, msg->arg.remap.from, &v);
	if (err && !pg->caps.remap_exact) {
		msg->reserved2 |= REMAP_MAY_SHRINK;
		if (!vma_find(sp->process.maps_fd, to, &v))
			bytes = min_t(uint64_t, bytes, v.end - to);
	}
	if (err == -ENOENT)
		msg->reserved2 |= REMAP_SURE;
	msg->reserved3 = (uint32_t)(bytes >> PAGE_SHIFT);
	advance(msg, REMAP_LOOKED_AT);
}

uint64_t apply_moved_bytes(const struct uffd_msg *msg)
{
	return (uint64_t)msg->reserved3 << PAGE_SHIFT;
}

bool apply_is_under_way(const struct uffd_msg *msg)
{
	return msg->event == UFFD_EVENT_REMAP && msg->reserved1 >= REMAP_CLEARED;
}

bool apply_may_be_over(const struct uffd_msg *msg)
{
	return !(msg->reserved2 & REMAP_SURE);
}

static void clamp_to_neighbour(struct space *sp, struct uffd_msg *msg)
{
	pgno_t to = addr_pgno(msg->arg.remap.to);
	const struct region *next;

	pthread_mutex_lock(&sp->lock);
	next = region_next(&sp->locked.regions, to);
	if (next && next->first.v > to.v)
		msg->reserved3 = (uint32_t)min_t(uint64_t, msg->reserved3, next->first.v - to.v);
	pthread_mutex_unlock(&sp->lock);
}

/* Entries and regions, but for what stays. */
static void shift(struct pager *pg, struct space *sp, const struct uffd_msg *msg,
		  const struct stays *stays)
{
	uint64_t from = msg->arg.remap.from, moved = apply_moved_bytes(msg);
	uint64_t distance = msg->arg.remap.to - from;
	struct page_range part;

	for (uint64_t at = from; stays_next(stays, &at, from + moved, &part);) {
		pgno_t to = addr_pgno(pgno_addr(part.first) + distance);

		page_shift(pg, sp, part.first, to, part.end.v - part.first.v);
		pthread_mutex_lock(&sp->lock);
		region_move(&sp->locked.regions, part.first, to, part.end.v - part.first.v);
		pthread_mutex_unlock(&sp->lock);
	}
	/* What did not fit was unmapped with the source. */
	for (uint64_t at = from + moved; stays_next(stays, &at, from + msg->arg.remap.len, &part);)
		page_drop(pg, sp, part.first, part.end);
}

static void apply_remap(struct pager *pg, struct space *sp, struct uffd_msg *msg,
			const struct stays *stays)
{
	uint64_t from = msg->arg.remap.from, to = msg->arg.remap.to, bytes = msg->arg.remap.len;
	struct page_range part;
	uint64_t moved;

	sp->worker.moved = true;
	apply_look_at(pg, sp, msg);
	if (msg->reserved1 < REMAP_CLEARED) {
		if (msg->reserved2 & REMAP_MAY_SHRINK)
			clamp_to_neighbour(sp, msg);
		moved = apply_moved_bytes(msg);
		page_drop(pg, sp, addr_pgno(to), addr_pgno(to + moved));
		moves_went(sp, from, from + bytes);
		moves_note(sp, (struct moved){
				       .from = from,
				       .end = from + bytes,
				       .to = to,
				       .bytes = moved,
				       .sure = msg->reserved2 & REMAP_SURE,
			       });
		advance(msg, REMAP_CLEARED);
	}
	moved = apply_moved_bytes(msg);
	shift(pg, sp, msg, stays);
	pthread_mutex_lock(&sp->lock);
	/* The new mapping keeps the registration; the old one is gone or empty. */
	for (uint64_t at = from; stays_next(stays, &at, from + bytes, &part);)
		forget_region(sp, part.first, part.end);
	region_add(&sp->locked.regions, addr_pgno(to),
		   addr_pgno(to + moved)); /* or the rescan does */
	map_changed(pg, sp);
	sp->reports.rescan_wanted = true; /* MREMAP_DONTUNMAP leaves the source registered */
	pthread_mutex_unlock(&sp->lock);
}

bool apply_has_room(struct pager *pg, struct space *sp, const struct uffd_msg *msg,
		    const struct stays *stays)
{
	switch (msg->event) {
	case UFFD_EVENT_REMOVE:
	case UFFD_EVENT_UNMAP:
		return page_drop_room(pg, 1 + stays->nr);
	case UFFD_EVENT_REMAP:
		return page_shift_room(pg, sp, addr_pgno(msg->arg.remap.from),
				       addr_pgno(msg->arg.remap.to),
				       msg->arg.remap.len >> PAGE_SHIFT, 1 + stays->nr);
	default:
		return true; /* a fork sees for itself */
	}
}

void apply_event(struct pager *pg, struct space *sp, struct uffd_msg *msg,
		 const struct stays *stays)
{
	switch (msg->event) {
	case UFFD_EVENT_REMOVE:
		if (!apply_is_own_remove(sp, msg))
			apply_remove(pg, sp, msg->arg.remove.start, msg->arg.remove.end);
		break;
	case UFFD_EVENT_UNMAP:
		apply_unmap(pg, sp, msg->arg.remove.start, msg->arg.remove.end, stays);
		break;
	case UFFD_EVENT_REMAP:
		apply_remap(pg, sp, msg, stays);
		break;
	case UFFD_EVENT_FORK:
		fork_apply(pg, sp, (int)msg->arg.fork.ufd);
		break;
	default:
		break;
	}
}
