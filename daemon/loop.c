// SPDX-License-Identifier: GPL-2.0-only
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "busy.h"
#include "control/range_job_step.h"
#include "control/where_job_step.h"
#include "event/adopt.h"
#include "event/aside.h"
#include "event/events.h"
#include "event/forked.h"
#include "event/hold.h"
#include "evict/copies.h"
#include "evict/drain.h"
#include "evict/evict.h"
#include "evict/exit_round.h"
#include "evict/pool.h"
#include "evict/settle.h"
#include "evict/writeback.h"
#include "fault/arrival.h"
#include "fault/fault.h"
#include "fault/populate.h"
#include "fault/swapin.h"
#include "memory/kept.h"
#include "memory/stall_space.h"
#include "next_look.h"
#include "watch.h"

#define COMPLETIONS_MAX 256

struct loop {
	struct pager *pg;
	pthread_t thread;
	struct op wake;
	bool wake_armed;
	struct watch *watch; /* by space id */
	struct busy busy;
	struct completion done[COMPLETIONS_MAX];
	pthread_mutex_t start_lock;
	pthread_cond_t started;
	int start_error; /* 1: not yet known */
};

static struct loop loop = {
	.start_lock = PTHREAD_MUTEX_INITIALIZER,
	.started = PTHREAD_COND_INITIALIZER,
};

static void kicked(void *context, struct op *op, int res)
{
	struct loop *lp = context;
	uint64_t count;
	ssize_t n = read(lp->pg->worker_fd, &count, sizeof(count));

	(void)n; /* the count does not matter */
	(void)res;
	lp->pg->worker.look_at_all = true;
	lp->wake_armed = op->more;
}

/*
 * Lets go of a space that is gone or unregistered; done once nothing is in
 * flight.  Time of the next attempt, 0: whatever is waited for wakes.
 */
static uint64_t close_space(struct loop *lp, struct space *sp)
{
	struct watch *w = &lp->watch[sp->id];
	struct pager *pg = lp->pg;
	struct fault f;

	/* Housekeeping looks at it no more, and its control page says whatever it likes. */
	if (agent_present(&sp->agent) && fd_readable(sp->agent.pidfd))
		sp->agent.dead = true;
	/* A fork that waits for writes: the child lives, and needs what is here [F11]. */
	if (events_fork_waits(sp)) {
		sp->worker.copies_wait = false;
		writeback_queue(pg, sp);
		events_resume(pg, sp);
		if (events_fork_waits(sp))
			return clock_ns() + ROOM_LOOK_NS;
	}
	while (fault_list_take(&pg->worker.faults, &sp->worker.deferred, &f))
		uffd_wake(sp->uffd, (struct run){ f.page, 1 });
	stall_look(pg, sp);
	arrival_retry(pg, sp); /* reads that waited for the retry are let go of */
	if (!sp->worker.closing) {
		sp->worker.closing = true;
		watch_disarm(w);
	}
	if (watch_is_armed(w) || sp->worker.nr_writes || swapin_in_flight(pg, sp))
		return 0;
	copies_forget(pg, sp);
	pool_unregister(pg, sp);
	table_root_put(pg->tables, sp->worker.root);
	pager_close_space(pg, sp);
	return 0;
}

static struct space *space_at(struct pager *pg, uint32_t id)
{
	struct space *sp = __atomic_load_n(&pg->space[id], __ATOMIC_ACQUIRE);

	return sp && sp->phase < SPACE_CLOSING && sp->worker.root.v ? sp : NULL;
}

static void look_at_all(struct loop *lp)
{
	if (lp->pg->worker.look_at_all)
		busy_add_all(&lp->busy, lp->pg);
	lp->pg->worker.look_at_all = false;
}

static void read_events(struct loop *lp)
{
	struct pager *pg = lp->pg;

	for (uint32_t i = 0; i < lp->busy.nr; i++) {
		struct space *sp = space_at(pg, lp->busy.id[i]);

		if (sp && sp->worker.readable && !sp->worker.events_waiting && !events_read(pg, sp))
			sp->worker.readable = true;
		look_at_all(lp); /* a fork's child is one of them now */
	}
}

static void settle(struct loop *lp, struct space *sp)
{
	struct watch *w = &lp->watch[sp->id];
	uint64_t count;

	if (w->agent_signalled) {
		ssize_t n = read(sp->agent.event_fd, &count, sizeof(count));

		(void)n;
		w->agent_signalled = false;
		settle_finished(lp->pg, sp);
		if (sp->orders.gone && !agent_pending(&sp->agent))
			pager_kick_housekeeping(lp->pg); /* it may end */
	}
	if (!sp->worker.revoke_wanted && !(sp->agent.dead && agent_pending(&sp->agent)))
		return;
	if (hold_begin(lp->pg, sp)) {
		sp->worker.revoke_wanted = false;
		settle_now(lp->pg, sp);
		hold_end(sp);
	}
}

/* Once for each time that it looks. */
static void tell_housekeeping(struct pager *pg, struct space *sp)
{
	if ((sp->reports.rescan_wanted || sp->reports.stop_wanted) &&
	    !atomic_exchange(&sp->reports.told, true))
		pager_kick_housekeeping(pg);
}

/* Does what can be done now; time of the next look at the space for its own sake, 0: none. */
static uint64_t keep_books(struct loop *lp, struct space *sp, uint64_t now_ns)
{
	struct pager *pg = lp->pg;
	struct space_worker *w = &sp->worker;
	uint64_t look_ns, pool_ns, aside_ns;

	settle(lp, sp);
	events_resume(pg, sp);
	aside_ns = aside_look_after(pg, sp, now_ns);
	if (sp->phase == SPACE_FORKED && sp->orders.identified && !w->events_waiting)
		forked_go_live(pg, sp);
	if (sp->orders.new_agent)
		forked_take_agent(pg, sp);
	if (sp->orders.quarantine_safe_ns)
		quarantine_release(&sp->quarantine, sp->orders.quarantine_safe_ns);
	/* No page state may change between the reading and the applying of an event. */
	if (!w->events_waiting && (w->retry || (w->retry_at_ns && now_ns >= w->retry_at_ns))) {
		w->readable |= w->reread;
		w->reread = false;
		fault_retry(pg, sp);
	}
	if (sp->phase == SPACE_FILLING && !w->events_waiting && populate_step(pg, sp)) {
		pthread_mutex_lock(&sp->lock);
		if (sp->phase == SPACE_FILLING)
			sp->phase = SPACE_FILLED;
		pthread_mutex_unlock(&sp->lock);
		pager_kick_housekeeping(pg);
	}
	if (sp->orders.adopt_wanted && !w->events_waiting)
		adopt_step(pg, sp);
	if (!w->events_waiting)
		range_job_step(pg, sp);
	pool_ns = sooner_ns(pool_step(pg, sp, now_ns), copies_step(pg, sp, now_ns));
	where_job_step(pg, sp);
	evict_begin(pg, sp);
	look_ns = exit_round_look_after(pg, sp);
	writeback_queue(pg, sp);
	stall_look(pg, sp);
	watch_arm(&lp->watch[sp->id], pg, sp, &lp->busy);
	tell_housekeeping(pg, sp);
	if (sp->phase >= SPACE_CLOSING)
		return now_ns; /* a fill found it gone just now: nobody else tells */
	look_ns = sooner_ns(aside_ns, sooner_ns(pool_ns, look_ns));
	return sooner_ns(look_ns, space_next_look(pg, sp, now_ns));
}

static void complete(struct loop *lp, uint32_t nr, enum op_kind kind, uint32_t *from, uint32_t max)
{
	uint32_t n = 0;

	for (; *from < nr && n < max; (*from)++) {
		struct completion *c = &lp->done[*from];

		if (!c->op || c->op->kind != kind)
			continue;
		c->op->done(lp, c->op, c->res);
		c->op = NULL;
		n++;
	}
}

static void turn(struct loop *lp, uint64_t timeout_ns)
{
	struct pager *pg = lp->pg;
	uint32_t nr, from;

	store_wait(pg->worker.store, timeout_ns);
	nr = store_reap(pg->worker.store, lp->done, COMPLETIONS_MAX);
	from = 0;
	complete(lp, nr, OP_POLL, &from, nr);
	read_events(lp);
	from = 0;
	complete(lp, nr, OP_WRITE, &from, nr);
	for (from = 0; from < nr;) {
		/* The device works while we copy; the last submission is the wait's. */
		store_submit(pg->worker.store);
		complete(lp, nr, OP_READ, &from, LOOP_COPIES);
		read_events(lp);
	}
}

/* Time of the next look at it, 0: none; false: nothing is in hand. */
static bool look_at(struct loop *lp, struct space *sp, uint64_t now_ns, uint64_t *next_ns)
{
	struct pager *pg = lp->pg;

	*next_ns = 0;
	if (!sp || sp->phase == SPACE_NEW)
		return false;
	if (sp->phase >= SPACE_CLOSING) {
		*next_ns = close_space(lp, sp);
		return true;
	}
	if (!sp->worker.root.v) {
		sp->worker.root = table_root_new(pg->tables);
		if (!sp->worker.root.v)
			sp->phase = SPACE_CLOSING;
		else
			pager_record_space(pg, sp);
	}
	*next_ns = keep_books(lp, sp, now_ns);
	return !space_is_quiet(sp);
}

static uint64_t all_books(struct loop *lp)
{
	struct pager *pg = lp->pg;
	uint64_t now_ns = clock_ns(), next_ns = 0, at_ns;

	look_at_all(lp);
	busy_add_due(&lp->busy, pg, now_ns);
	for (uint32_t i = 0; i < lp->busy.nr;) {
		struct space *sp = pager_space(pg, lp->busy.id[i]);

		if (!look_at(lp, sp, now_ns, &at_ns)) {
			busy_remove(&lp->busy, i, at_ns);
			continue;
		}
		next_ns = sooner_ns(at_ns, next_ns);
		i++;
	}
	next_ns = sooner_ns(next_ns, lp->busy.timer_ns);
	next_ns = sooner_ns(next_ns, arrival_look(pg, now_ns));
	next_ns = sooner_ns(next_ns, writeback_look(pg, now_ns));
	next_ns = sooner_ns(next_ns, drain_step(pg, now_ns));
	if (kept_step(pg, now_ns))
		return 0;
	return !next_ns ? ~0ULL : next_ns > now_ns ? next_ns - now_ns : 0;
}

static void started(struct loop *lp, int error)
{
	pthread_mutex_lock(&lp->start_lock);
	lp->start_error = error;
	pthread_cond_signal(&lp->started);
	pthread_mutex_unlock(&lp->start_lock);
}

static void *run(void *arg)
{
	struct loop *lp = arg;
	struct pager *pg = lp->pg;
	uint64_t timeout_ns = 0; /* restored spaces are looked at before anybody asks for it */
	int err;

	uffd_tell_calls(&pg->worker_at);
	err = store_init(&pg->worker.store, pg->area, pg->nr_areas, pg->slots, POOL_BUFFERS);
	started(lp, err);
	if (err)
		return NULL;
	while (!atomic_load(&pg->stop)) {
		if (!lp->wake_armed) {
			store_poll(pg->worker.store, &lp->wake, pg->worker_fd);
			lp->wake_armed = true;
		}
		turn(lp, timeout_ns);
		atomic_store_explicit(&pg->turns, pg->turns + 1, memory_order_relaxed);
		timeout_ns = all_books(lp);
	}
	store_fini(pg->worker.store);
	return NULL;
}

int loop_start(struct pager *pg)
{
	int err;

	loop.pg = pg;
	loop.wake = (struct op){ .kind = OP_POLL, .done = kicked };
	loop.watch = calloc(SPACES_MAX, sizeof(*loop.watch));
	if (!loop.watch)
		return -ENOMEM;
	pg->worker.look_at_all = true;
	err = busy_init(&loop.busy);
	if (!err)
		err = fault_nodes_init(&pg->worker.faults, FAULTS_MAX);
	if (!err)
		err = arrival_init(pg);
	if (!err)
		err = writeback_init(pg);
	if (err)
		return err;
	loop.start_error = 1;
	err = -pthread_create(&loop.thread, NULL, run, &loop);
	if (err)
		return err;
	pthread_mutex_lock(&loop.start_lock);
	while (loop.start_error == 1)
		pthread_cond_wait(&loop.started, &loop.start_lock);
	pthread_mutex_unlock(&loop.start_lock);
	return loop.start_error;
}

void loop_stop(struct pager *pg)
{
	atomic_store(&pg->stop, 1);
	pager_kick_worker(pg);
	pthread_join(loop.thread, NULL);
	arrival_fini(pg);
	writeback_fini(pg);
	fault_nodes_fini(&pg->worker.faults);
	busy_fini(&loop.busy);
	free(loop.watch);
}
