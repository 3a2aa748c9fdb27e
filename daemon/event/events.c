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
#include "event/order.h"
#include "event/refuse.h"
#include "evict/settle.h"
#include "fault/fault.h"
#include "fault/fill.h"
#include "memory/change.h"
#include "memory/event_slot.h"
#include "memory/page.h"

/* When descriptors ran out. */
#define REREAD_NS    (10 * NS_PER_MS)
/* When the agent did not let go. */
#define HOLD_MIN_NS  (50 * NS_PER_US)
#define HOLD_MAX_NS  (20 * NS_PER_MS)
/* When the order of events is not known: who could tell is to come on. */
#define DOUBT_MIN_NS (20 * NS_PER_US)
#define DOUBT_MAX_NS (2 * NS_PER_MS)
/* They may come back, but a fork must not wait for ever. */
#define PATIENCE_NS  (200 * NS_PER_MS)

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
	struct fault f = {
		.page = addr_pgno(msg->arg.pagefault.address),
		.begin_ns = now_ns,
		.tid = msg->arg.pagefault.feat.ptid,
		.write_protect = msg->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP,
	};

	space_count(&sp->stats.faults, 1);
	if (atomic_load_explicit(&pg->housekeeping_sleeps, memory_order_relaxed) &&
	    atomic_exchange(&pg->housekeeping_sleeps, false))
		pager_kick_housekeeping(pg);
	if (sp->worker.doubt.on)
		fill_wait(pg, sp, f); /* what is there may change before all is applied */
	else
		fault_begin(pg, sp, f);
}

static bool slot_needs(const struct space *sp, bool *fork)
{
	const struct event_slot *slot = sp->events;
	bool any = false;

	*fork = false;
	for (uint32_t n = 0; n < EVENTS_KEPT && slot->msg[n].event; n++) {
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

	for (uint32_t n = 0; n < EVENTS_KEPT && slot->msg[n].event; n++) {
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
	enum change_cause cause = CHANGE_APART;
	bool fork, room = true;
	struct uffd_msg *msg;
	struct order order;

	sp->worker.doubt.on = false;
	if (!slot_needs(sp, &fork))
		return true; /* but for our own */
	if (fork || agent_may_drop(&sp->agent) || slot_meets_batch(sp)) {
		settle_now(pg, sp);
		cause = CHANGE_EVENT;
	}
	/* A child shares slots, never places in the pool. */
	sp->worker.draining = fork;
	if ((fork && !fork_may_apply(sp)) || !change_begin(sp, cause))
		return false;
	order_begin(&order, pg, sp);
	while ((msg = order_next(&order))) {
		room = apply_has_room(pg, sp, msg, &order.stays);
		if (!room)
			break;
		apply_event(pg, sp, msg, &order.stays);
		failpoint(FP_EVENT_APPLIED);
		__atomic_store_n(&msg->event, EVENT_APPLIED, __ATOMIC_RELEASE);
	}
	sp->worker.doubt.on = room && order_waits(&order);
	if (room && !sp->worker.doubt.on && order.quiet)
		event_slot_settled(sp->events);
	change_end(sp);
	return room && !sp->worker.doubt.on;
}

/* Events wait for others, for which there is to be room; faults wait for both. */
static void put_aside(struct pager *pg, struct space *sp)
{
	struct event_slot *slot = sp->events;
	uint64_t now_ns = clock_ns();

	for (uint32_t n = 0; n < EVENTS_KEPT && slot->msg[n].event; n++) {
		if (!is_fault(&slot->msg[n]))
			continue;
		begin_fault(pg, sp, &slot->msg[n], now_ns);
		__atomic_store_n(&slot->msg[n].event, EVENT_APPLIED, __ATOMIC_RELEASE);
	}
	event_slot_gather(slot);
	sp->worker.doubt.pause_ns =
		min_t(uint64_t, max_t(uint64_t, 2 * sp->worker.doubt.pause_ns, DOUBT_MIN_NS),
		      DOUBT_MAX_NS);
	sp->worker.doubt.look_at_ns = now_ns + sp->worker.doubt.pause_ns;
}

static void handle_slot(struct pager *pg, struct space *sp)
{
	struct event_slot *slot = sp->events;
	uint64_t now_ns = clock_ns();

	if (!apply_all(pg, sp)) {
		refuse_finish(pg);
		if (sp->worker.doubt.on)
			put_aside(pg, sp);
		return;
	}
	if (sp->worker.doubt.pause_ns)
		sp->reports.rescan_wanted = true; /* housekeeping may have come by meanwhile */
	sp->worker.doubt.pause_ns = 0;
	sp->worker.draining = false;
	sp->worker.events_waiting = false;
	refuse_finish(pg);
	if (sp->worker.scarce)
		pager_spares_refill(pg);
	sp->worker.scarce = false;
	for (uint32_t n = 0; n < EVENTS_KEPT && slot->msg[n].event; n++) {
		if (is_fault(&slot->msg[n]))
			begin_fault(pg, sp, &slot->msg[n], now_ns);
		__atomic_store_n(&slot->msg[n].event, 0, __ATOMIC_RELEASE);
	}
	sp->worker.retry |= sp->worker.deferred.nr != 0;
}

bool events_fork_waits(const struct space *sp)
{
	bool fork = false;

	if (sp->worker.events_waiting)
		slot_needs(sp, &fork);
	return fork;
}

static bool is_scarce(int n)
{
	return n == -EMFILE || n == -ENFILE;
}

/* Behind those that wait. */
static int read_more(struct pager *pg, struct space *sp)
{
	uint32_t used = event_slot_used(sp->events);
	uint32_t room = min_t(uint32_t, EVENTS_KEPT - used, EVENTS_BATCH);

	if (!room || pg->worker.faults.nr_free < room)
		return 0;
	return uffd_read(sp->uffd, sp->events->msg + used, room);
}

void events_resume(struct pager *pg, struct space *sp)
{
	if (!sp->worker.events_waiting ||
	    (sp->worker.doubt.on && clock_ns() < sp->worker.doubt.look_at_ns))
		return;
	if (agent_hold(&sp->agent)) {
		if (sp->worker.doubt.on && is_scarce(read_more(pg, sp)) && await_descriptor(pg, sp))
			read_more(pg, sp);
		handle_slot(pg, sp);
	}
	agent_release(&sp->agent);
	if (!sp->worker.events_waiting) {
		sp->worker.readable = true;
		sp->worker.retry = true; /* fills that had to wait */
	}
}

/* An agent that is stopped while busy is not asked all the time. */
static bool hold(struct space *sp)
{
	if (clock_ns() < sp->worker.hold_at_ns)
		return false;
	if (agent_hold(&sp->agent)) {
		sp->worker.hold_pause_ns = 0;
		return true;
	}
	agent_release(&sp->agent);
	sp->worker.hold_pause_ns = min_t(
		uint64_t, max_t(uint64_t, 2 * sp->worker.hold_pause_ns, HOLD_MIN_NS), HOLD_MAX_NS);
	sp->worker.hold_at_ns = clock_ns() + sp->worker.hold_pause_ns;
	return false;
}

bool events_read(struct pager *pg, struct space *sp)
{
	for (;;) {
		int n;

		if (sp->worker.events_waiting)
			return false;
		if (pg->worker.faults.nr_free < EVENTS_BATCH)
			return false; /* answer some first */
		if (!hold(sp))
			return false;
		n = read_more(pg, sp);
		failpoint(FP_FAULT_READ);
		sp->worker.events_waiting = n > 0;
		if (n > 0)
			handle_slot(pg, sp);
		agent_release(&sp->agent);
		if (is_scarce(n)) {
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
