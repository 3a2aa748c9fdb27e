// SPDX-License-Identifier: GPL-2.0-only
#include "event/order.h"

#include <errno.h>
#include <stddef.h>

#include "base/log.h"
#include "event/apply.h"
#include "memory/event_slot.h"
#include "memory/page.h"

/* Who has read an event wakes its thread, which takes a moment to go on. */
#define QUIET_TRIES 40
/* Of events that wait for each other. */
#define DEPTH_MAX   8
#define NONE	    EVENTS_KEPT

struct range {
	uint64_t start;
	uint64_t end;
};

static bool meet(struct range a, struct range b)
{
	return a.start < b.end && b.start < a.end;
}

static struct uffd_msg *message(const struct order *o, uint32_t i)
{
	return &o->sp->events->msg[i];
}

static bool is_open(const struct uffd_msg *msg)
{
	return msg->event != UFFD_EVENT_PAGEFAULT && msg->event != EVENT_APPLIED;
}

/* Where something was, and is not any more or is to be emptied. */
static struct range source(const struct uffd_msg *msg)
{
	if (msg->event == UFFD_EVENT_REMAP)
		return (struct range){ msg->arg.remap.from,
				       msg->arg.remap.from + msg->arg.remap.len };
	return (struct range){ msg->arg.remove.start, msg->arg.remove.end };
}

static struct range dest(const struct uffd_msg *msg)
{
	uint64_t to = msg->arg.remap.to;

	return msg->event == UFFD_EVENT_REMAP ? (struct range){ to, to + apply_moved_bytes(msg) }
					      : (struct range){ 0, 0 };
}

static bool concern_the_same(const struct uffd_msg *a, const struct uffd_msg *b)
{
	if (a->event == UFFD_EVENT_FORK || b->event == UFFD_EVENT_FORK)
		return true;
	return meet(source(a), source(b)) || meet(source(a), dest(b)) || meet(dest(a), source(b)) ||
	       meet(dest(a), dest(b));
}

static bool is_quiet(struct order *o)
{
	for (int n = 0; !o->asked && !o->quiet && n < QUIET_TRIES; n++)
		o->quiet = !uffd_has_unread(o->sp->uffd);
	o->asked = true;
	return o->quiet;
}

/* Whether something is known to be there, and where first. */
static bool is_occupied(const struct order *o, struct range r)
{
	pgno_t n = addr_pgno(r.start), end = addr_pgno(r.end), base;
	const struct region *known;
	const uint64_t *leaf;
	bool found;

	pthread_mutex_lock(&o->sp->lock);
	known = region_next(&o->sp->locked.regions, n);
	found = known && known->first.v < end.v;
	pthread_mutex_unlock(&o->sp->lock);
	for (; !found && n.v < end.v &&
	       (leaf = table_next_leaf(o->pg->tables, o->sp->worker.root, n, end, &base));
	     n = pgno_add(base, TABLE_ENTRIES))
		for (unsigned int i = 0; i < TABLE_ENTRIES && !found; i++)
			found = leaf[i] && base.v + i >= n.v && base.v + i < end.v;
	return found;
}

/* The UNMAP of what was moved away, by a REMAP that is applied or before it. */
static bool is_late(const struct order *o, uint32_t i)
{
	const struct uffd_msg *msg = message(o, i);

	if (msg->event != UFFD_EVENT_UNMAP)
		return false;
	for (uint32_t n = 0; n < i; n++)
		if (is_open(message(o, n)) && message(o, n)->event == UFFD_EVENT_REMAP &&
		    source(message(o, n)).start == source(msg).start)
			return true;
	return moves_expect(o->pg, o->sp, source(msg).start, source(msg).end);
}

static bool is_way_out(const struct order *o, uint32_t i)
{
	const struct uffd_msg *msg = message(o, i);

	return is_open(msg) && (msg->event == UFFD_EVENT_REMAP ||
				(msg->event == UFFD_EVENT_UNMAP && !is_late(o, i)));
}

/* From `from` on, an event by which something went from where event i brings something. */
static uint32_t find_way_out(const struct order *o, uint32_t i, uint32_t from)
{
	struct range to = dest(message(o, i));

	for (uint32_t n = from; n < EVENTS_KEPT && message(o, n)->event; n++) {
		struct range r = source(message(o, n)), both;

		if (n == i || !is_open(message(o, n)) || !meet(r, to))
			continue;
		both.start = max_t(uint64_t, r.start, to.start);
		both.end = min_t(uint64_t, r.end, to.end);
		if (is_occupied(o, both) && is_way_out(o, n))
			return n;
	}
	return NONE;
}

static bool is_unmap_of(const struct uffd_msg *msg, uint64_t start)
{
	return msg->event == UFFD_EVENT_UNMAP && msg->arg.remove.start == start;
}

/* Whether event `out` was raised when the mremap() of event i had not yet returned. */
static bool is_of_old(const struct order *o, uint32_t i, uint32_t out)
{
	if (out < i)
		return true;
	for (uint32_t n = i + 1; n < out; n++)
		if (is_unmap_of(message(o, n), message(o, i)->arg.remap.from))
			return false;
	return !apply_may_be_over(message(o, i));
}

static bool comes(const struct moves_log *log, uint64_t start, uint64_t end)
{
	const struct order *o = (const void *)((const char *)log - offsetof(struct order, log));

	for (uint32_t n = 0; n < EVENTS_KEPT && message(o, n)->event; n++)
		if (n != o->judged && is_open(message(o, n)) &&
		    !apply_is_under_way(message(o, n)) &&
		    meet(dest(message(o, n)), (struct range){ start, end }))
			return true;
	return false;
}

static bool came(const struct moves_log *log, uint64_t from)
{
	const struct order *o = (const void *)((const char *)log - offsetof(struct order, log));

	for (uint32_t n = 0; n < o->judged; n++)
		if (is_unmap_of(message(o, n), from))
			return true;
	return false;
}

/* Whether it is known what of its source went. */
static bool knows_source(struct order *o, uint32_t i)
{
	struct range r = source(message(o, i));

	o->judged = i;
	if (moves_that_stay(o->sp, r.start, r.end, &o->log, &o->stays))
		return true;
	/* It may be just that its thread has not gone on yet. */
	return is_quiet(o) && moves_that_stay(o->sp, r.start, r.end, &o->log, &o->stays);
}

/*
 * Two events say that something went from where event i brings something: what
 * was there, and what came.  Which is which does not matter if both are UNMAP.
 */
static bool lose_both(struct order *o, uint32_t i, uint32_t one, uint32_t other)
{
	const struct uffd_msg *msg = message(o, i);
	struct range to = dest(msg), from = source(msg);

	if (message(o, one)->event == UFFD_EVENT_UNMAP &&
	    message(o, other)->event == UFFD_EVENT_UNMAP)
		return true;
	if (!page_confuse_room(o->pg, (to.end - to.start) >> PAGE_SHIFT))
		return false;
	log_warn("two threads moved the same addresses of process %d, and it is not known which "
		 "came first: pages are lost",
		 o->sp->process.pid);
	page_confuse(o->pg, o->sp, addr_pgno(to.start), addr_pgno(from.start),
		     (to.end - to.start) >> PAGE_SHIFT);
	return true;
}

static bool lose_all(struct order *o)
{
	const pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };

	if (!page_range_room(o->pg, o->sp, (pgno_t){ 0 }, end))
		return false;
	log_warn("an event of process %d does not come: what was taken out of it is lost",
		 o->sp->process.pid);
	page_doubt(o->pg, o->sp, (pgno_t){ 0 }, end);
	return true;
}

static uint32_t judge(struct order *o, uint32_t i, int depth);

/* The event that goes before event i, or i itself, or NONE: it waits. */
static uint32_t judge_dest(struct order *o, uint32_t i, int depth)
{
	uint32_t out, other;
	struct range r;

	if (apply_is_under_way(message(o, i)) || !is_occupied(o, dest(message(o, i))))
		return i;
	out = find_way_out(o, i, 0);
	if (out == NONE || depth == DEPTH_MAX) {
		if (is_quiet(o) || (o->losing && lose_all(o)))
			return i;
		return NONE;
	}
	if (is_of_old(o, i, out))
		return judge(o, out, depth + 1);
	other = find_way_out(o, i, out + 1);
	if (other != NONE && meet(source(message(o, out)), source(message(o, other))))
		return lose_both(o, i, out, other) ? judge(o, out, depth + 1) : NONE;
	if (!is_quiet(o) && !o->log.pressed)
		return NONE;
	/* It was the only one; unless what came has gone, and the rest is a leftover. */
	r = source(message(o, out));
	if (uffd_covers(o->sp->uffd, max_t(uint64_t, r.start, dest(message(o, i)).start),
			PAGE_SIZE) == -ENOENT)
		return i;
	return judge(o, out, depth + 1);
}

static uint32_t judge(struct order *o, uint32_t i, int depth)
{
	uint32_t first = i;

	o->stays.nr = 0;
	o->stays.late = false;
	switch (message(o, i)->event) {
	case UFFD_EVENT_REMAP:
		first = judge_dest(o, i, depth);
		if (first == i && !knows_source(o, i))
			return NONE;
		return first;
	case UFFD_EVENT_UNMAP:
		o->stays.late = is_late(o, i);
		return o->stays.late || knows_source(o, i) ? i : NONE;
	default:
		return i;
	}
}

static bool waits_for_another(const struct order *o, const struct uffd_msg *msg)
{
	for (uint32_t n = 0; n < o->nr_waiting; n++)
		if (concern_the_same(message(o, o->waiting[n]), msg))
			return true;
	return false;
}

void order_begin(struct order *o, struct pager *pg, struct space *sp)
{
	o->pg = pg;
	o->sp = sp;
	o->asked = o->quiet = false;
	o->nr_waiting = 0;
	o->stays.nr = 0;
	o->log = (struct moves_log){ .comes = comes, .came = came };
	for (uint32_t i = 0; i < EVENTS_KEPT && message(o, i)->event; i++)
		apply_look_at(pg, sp, message(o, i));
}

static struct uffd_msg *next(struct order *o)
{
	o->nr_waiting = 0;
	for (uint32_t i = 0; i < EVENTS_KEPT && message(o, i)->event; i++) {
		struct uffd_msg *msg = message(o, i);
		uint32_t first = NONE;

		if (!is_open(msg))
			continue;
		if (apply_is_own_remove(o->sp, msg)) {
			o->stays.nr = 0;
			return msg;
		}
		if (!waits_for_another(o, msg))
			first = judge(o, i, 0);
		if (first != NONE)
			return message(o, first);
		o->waiting[o->nr_waiting++] = (uint8_t)i;
	}
	return NULL;
}

struct uffd_msg *order_next(struct order *o)
{
	struct uffd_msg *msg;

	o->log.pressed = o->losing = false;
	msg = next(o);
	if (msg || o->nr_waiting + EVENTS_BATCH <= EVENTS_KEPT)
		return msg;
	o->log.pressed = true;
	msg = next(o);
	if (msg)
		return msg;
	o->losing = true;
	return next(o);
}

bool order_waits(const struct order *o)
{
	return o->nr_waiting;
}
