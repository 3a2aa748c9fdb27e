// SPDX-License-Identifier: GPL-2.0-only
#include "agent/halt.h"

#include <errno.h>
#include <stdint.h>
#include <time.h>

#include "agent/restart.h"
#include "base/types.h"

#define STEP_NS	    100000
#define STEP_MAX_NS 1000000
/* What runs seldom goes to sleep, and to look costs it time. */
#define LOOK_NS	    2000000
#define SETTLE_NS   20000000ULL
/* Of its own: longer it is not hunted, as it is in a call that takes long, as with MAP_POPULATE. */
#define HUNT_NS	    100000000ULL

int halt_begin(struct halt *h, pid_t tid)
{
	trap_init(&h->trap, tid);
	return remote_seize(&h->r, tid, 0);
}

static int tell(struct halt *h)
{
	trap_fini(&h->trap);
	h->state = HALT_TOLD;
	return remote_interrupt(&h->r);
}

/* True if it stopped: by us, or by a signal, which it gets. */
static int take_stop(struct halt *h, bool *stopped)
{
	enum remote_stop stop;
	siginfo_t info;
	int err = remote_poll_stop(&h->r, &stop, &info);

	*stopped = !err && stop != REMOTE_RUNS;
	if (err || !*stopped)
		return err;
	if (stop == REMOTE_STOPPED) {
		trap_fini(&h->trap);
		h->state = HALT_STOPPED;
		return 0;
	}
	if (!trap_is_ours(&h->trap, &info))
		return remote_resume_with(&h->r, info.si_signo);
	/* It runs no code before the stop that it is told now. */
	err = tell(h);
	return err ? err : remote_resume(&h->r);
}

/* It may return from the call at any time: only if it is there still afterwards. */
static int keep(struct halt *h)
{
	struct waiting now;
	int err = trap_back(&h->trap, h->waiting.pc);

	if (err)
		return err;
	err = waiting_look(h->r.tid, &now);
	if (!err && waiting_same(&h->waiting, &now))
		h->state = HALT_KEPT;
	return err;
}

static int hunt(struct halt *h)
{
	return h->waiting.deaf || trap_hunt(&h->trap) ? tell(h) : 0;
}

static int look(struct halt *h)
{
	struct waiting *w = &h->waiting;
	uint64_t now_ns = remote_now_ns();
	bool trap_fails = false;
	int err;

	if (w->runs && now_ns < h->look_ns)
		return hunt(h);
	err = waiting_look(h->r.tid, w);
	if (err)
		return err;
	h->look_ns = now_ns + LOOK_NS;
	if (h->any)
		return tell(h);
	if (w->runs)
		return hunt(h);
	if (w->notice == NOTICE_NOTHING)
		return tell(h);
	if (h->keeps && w->notice != NOTICE_UNKNOWN) {
		trap_fails = w->deaf || keep(h);
		if (!trap_fails)
			return 0;
	}
	/* Stopped again and again, what has a limit would wait for ever. */
	if (w->notice == NOTICE_LATE &&
	    ((trap_fails && !w->limited) || (!h->keeps && now_ns > h->late_ns)))
		return tell(h);
	return 0;
}

/* Its status is taken: it may have ended after that was asked for. */
static void end(struct halt *h)
{
	enum remote_stop ignored;
	siginfo_t info;

	remote_poll_stop(&h->r, &ignored, &info);
	trap_fini(&h->trap);
	h->state = HALT_ENDED;
}

int halt_step(struct halt *h)
{
	bool stopped;
	int err;

	if (h->state >= HALT_STOPPED)
		return 0;
	err = take_stop(h, &stopped);
	if (!err && !stopped && h->state == HALT_LOOKING)
		err = look(h);
	if (err == -ESRCH)
		end(h);
	return err == -ESRCH ? 0 : err;
}

int halt_wait(struct halt *h, uint64_t until_ns)
{
	struct timespec pause = { .tv_nsec = STEP_NS };

	for (;;) {
		int err = halt_step(h);

		if (err || h->state >= HALT_STOPPED)
			return err ? err : h->state == HALT_ENDED ? -ESRCH : 0;
		if (remote_now_ns() > until_ns || trap_ran_ns(&h->trap) > HUNT_NS)
			return -EBUSY;
		nanosleep(&pause, NULL);
		pause.tv_nsec = min_t(long, 2 * pause.tv_nsec, STEP_MAX_NS);
	}
}

/* It may have come back from the call meanwhile, or have got a signal there. */
static void let_go(struct halt *h)
{
	uint64_t until_ns = remote_now_ns() + SETTLE_NS;
	const struct timespec pause = { .tv_nsec = STEP_NS };
	bool fired = trap_fini(&h->trap);
	enum remote_stop stop;
	siginfo_t info;

	do {
		if (remote_poll_stop(&h->r, &stop, &info))
			return;
		if (stop == REMOTE_STOPPED)
			remote_detach(&h->r);
		else if (stop == REMOTE_SIGNALLED)
			remote_detach_with(&h->r,
					   trap_is_ours(&h->trap, &info) ? 0 : info.si_signo);
		if (stop != REMOTE_RUNS)
			return;
		if (fired)
			nanosleep(&pause, NULL);
	} while (fired && remote_now_ns() < until_ns);
}

bool halt_end(struct halt *h)
{
	if (h->state == HALT_STOPPED)
		return !restart_detach(&h->r);
	if (h->state != HALT_ENDED)
		let_go(h);
	return false;
}
