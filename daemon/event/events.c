// SPDX-License-Identifier: GPL-2.0-only
#include "event/events.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "event/apply.h"
#include "event/fork.h"
#include "event/hold.h"
#include "event/refuse.h"
#include "evict/settle.h"
#include "fault/fault.h"
#include "memory/change.h"
#include "memory/page.h"
#include "memory/stall_space.h"

/* When descriptors ran out. */
#define REREAD_NS   (10 * NS_PER_MS)
/* They may come back, but a fork must not wait for ever. */
#define PATIENCE_NS (200 * NS_PER_MS)

static bool is_applied(const struct uffd_msg *msg)
{
	return msg->event == EVENT_APPLIED;
}

static bool is_fault(const struct uffd_msg *msg)
{
	return msg->event == UFFD_EVENT_PAGEFAULT;
}

static void begin_fault(struct pager *pg, struct space *sp, const struct uffd_msg *msg,
			uint64_t now_ns)
{
	bool waits = !agent_is_thread(&sp->agent, msg->arg.pagefault.feat.ptid);

	space_count(&sp->stats.faults, 1);
	if (waits)
		stall_begin(pg, sp, now_ns);
	if (atomic_load_explicit(&pg->housekeeping_sleeps, memory_order_relaxed) &&
	    atomic_exchange(&pg->housekeeping_sleeps, false))
		pager_kick_housekeeping(pg);
	fault_begin(pg, sp,
		    (struct fault){
			    .page = addr_pgno(msg->arg.pagefault.address),
			    .begin_ns = now_ns,
			    .tid = msg->arg.pagefault.feat.ptid,
			    .write_protect = msg->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP,
			    .waits = waits,
		    });
}

static bool slot_needs(const struct space *sp, bool *fork)
{
	const struct event_slot *slot = sp->events;
	bool any = false;

	*fork = false;
	for (uint32_t n = 0; n < EVENTS_BATCH && slot->msg[n].event; n++) {
		if (is_fault(&slot->msg[n]) || is_applied(&slot->msg[n]) ||
		    apply_is_own_remove(sp, &slot->msg[n]))
			continue;
		any = true;
		*fork |= slot->msg[n].event == UFFD_EVENT_FORK;
	}
	return any;
}

static bool batch_has(const struct space *sp, uint64_t start, uint64_t end)
{
	return agent_has(&sp->agent, addr_pgno(start), addr_pgno(end));
}

/*
 * Whether an event of the slot, a fork apart, is about what the agent has in
 * hand.  Where it is not the agent goes on: what somebody holds of a batch that
 * is taken away from it is not given back.
 */
static bool slot_meets_batch(const struct space *sp)
{
	const struct event_slot *slot = sp->events;

	for (uint32_t n = 0; n < EVENTS_BATCH && slot->msg[n].event; n++) {
		const struct uffd_msg *msg = &slot->msg[n];
		uint64_t from = msg->arg.remap.from, to = msg->arg.remap.to;

		if (apply_is_own_remove(sp, msg))
			continue;
		if ((msg->event == UFFD_EVENT_REMOVE || msg->event == UFFD_EVENT_UNMAP) &&
		    batch_has(sp, msg->arg.remove.start, msg->arg.remove.end))
			return true;
		if (msg->event == UFFD_EVENT_REMAP &&
		    (batch_has(sp, from, from + msg->arg.remap.len) ||
		     batch_has(sp, to, to + msg->arg.remap.len)))
			return true;
	}
	return false;
}

/*
 * A fork event needs a descriptor: until there is one it stays unread, and all
 * fills fail [F19].  True: there is one, which the child cannot keep.
 */
static bool await_descriptor(struct pager *pg, struct space *sp)
{
	uint64_t now_ns = clock_ns();

	if (!sp->worker.scarce_since_ns)
		sp->worker.scarce_since_ns = now_ns;
	sp->worker.scarce =
		now_ns - sp->worker.scarce_since_ns >= PATIENCE_NS && pager_spare_use(pg);
	if (sp->worker.scarce)
		return true;
	sp->worker.readable = false;
	sp->worker.reread = true;
	sp->worker.retry_at_ns = now_ns + REREAD_NS;
	return false;
}

/* Under hold. Applies the events in the slot, unless they have to wait. */
static bool apply_all(struct pager *pg, struct space *sp)
{
	struct event_slot *slot = sp->events;
	enum change_cause cause = CHANGE_APART;
	bool fork, room = true;

	if (!slot_needs(sp, &fork))
		return true; /* but for our own */
	if (fork || agent_may_drop(&sp->agent) || slot_meets_batch(sp)) {
		settle_now(pg, sp);
		cause = CHANGE_EVENT;
	}
	sp->worker.draining = fork;
	if ((fork && !fork_may_apply(pg, sp)) || !change_begin(sp, cause))
		return false;
	apply_settle(pg, sp); /* for a daemon that died before it could */
	for (uint32_t n = 0; n < EVENTS_BATCH && slot->msg[n].event; n++) {
		if (is_fault(&slot->msg[n]) || is_applied(&slot->msg[n]))
			continue;
		room = apply_has_room(pg, sp, &slot->msg[n]);
		if (!room)
			break;
		apply_event(pg, sp, &slot->msg[n]);
		failpoint(FP_EVENT_APPLIED);
		__atomic_store_n(&slot->msg[n].event, EVENT_APPLIED, __ATOMIC_RELEASE);
		apply_settle(pg, sp);
	}
	change_end(sp);
	return room;
}

static void handle_slot(struct pager *pg, struct space *sp)
{
	struct event_slot *slot = sp->events;
	uint64_t now_ns = clock_ns();

	if (!apply_all(pg, sp))
		return;
	sp->worker.draining = false;
	sp->worker.events_waiting = false;
	refuse_finish(pg);
	if (sp->worker.scarce)
		pager_spares_refill(pg);
	sp->worker.scarce = false;
	for (uint32_t n = 0; n < EVENTS_BATCH && slot->msg[n].event; n++) {
		if (is_fault(&slot->msg[n]))
			begin_fault(pg, sp, &slot->msg[n], now_ns);
		__atomic_store_n(&slot->msg[n].event, 0, __ATOMIC_RELEASE);
	}
	stall_look(pg, sp);
	sp->worker.retry |= sp->worker.deferred.nr != 0;
}

bool events_fork_waits(const struct space *sp)
{
	bool fork = false;

	if (sp->worker.events_waiting)
		slot_needs(sp, &fork);
	return fork;
}

void events_resume(struct pager *pg, struct space *sp)
{
	if (!sp->worker.events_waiting)
		return;
	if (!hold_begin(pg, sp))
		return;
	handle_slot(pg, sp);
	hold_end(sp);
	if (!sp->worker.events_waiting) {
		sp->worker.readable = true;
		sp->worker.retry = true; /* fills that had to wait */
	}
}

bool events_read(struct pager *pg, struct space *sp)
{
	for (;;) {
		int n;

		if (sp->worker.events_waiting)
			return false;
		if (pg->worker.faults.nr_free < EVENTS_BATCH)
			return false; /* answer some first */
		if (!hold_begin(pg, sp))
			return false;
		n = uffd_read(sp->uffd, sp->events->msg, EVENTS_BATCH);
		failpoint(FP_FAULT_READ);
		sp->worker.events_waiting = n > 0;
		if (n > 0)
			handle_slot(pg, sp);
		hold_end(sp);
		if (n == -EMFILE || n == -ENFILE) {
			if (await_descriptor(pg, sp))
				continue;
			return true;
		}
		sp->worker.scarce_since_ns = 0;
		if (n < EVENTS_BATCH || sp->worker.events_waiting) {
			sp->worker.readable = false;
			return !sp->worker.events_waiting;
		}
	}
}
