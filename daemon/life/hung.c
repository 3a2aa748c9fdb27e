// SPDX-License-Identifier: GPL-2.0-only
#include "life/hung.h"

#include <time.h>

#include "agent/target.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

/* One MOVE takes 50 us: of processor time, or of time in which it could have had some. */
#define ANSWER_NS (100 * NS_PER_MS)
/* Where it gets no processor, or the kernel makes it wait. */
#define LOADED_NS (10 * NS_PER_S)

static uint64_t ran_ns(pid_t pid)
{
	struct timespec ts;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Neither does it run, nor would it if it could, nor does the kernel keep it. */
static bool is_idle(pid_t pid)
{
	struct target_thread th;

	return !target_thread_read(pid, &th) && th.state != 'R' && th.state != 'D';
}

/* Since since_ns it was asked to let go, and did not; 0: it was not, or did. */
static bool keeps_waiting(const struct space *sp, uint64_t since_ns)
{
	if (sp->orders.new_agent || !agent_present(&sp->agent) || fd_readable(sp->agent.pidfd))
		return false;
	/* Dismissed as soon as nothing is pending. */
	return since_ns || (sp->orders.gone && !agent_pending(&sp->agent));
}

/* It was asked again and again, and not once long ago by a worker that had no time since. */
static bool was_asked(const struct space *sp, uint64_t since_ns)
{
	return !since_ns || sp->reports.unheld_asked_ns - since_ns >= ANSWER_NS;
}

void hung_look_after(struct space *sp)
{
	struct space_hang *hang = &sp->housekeeping.hang;
	uint64_t now_ns = clock_ns();
	struct agent *ag = &sp->agent;
	/* Once: the worker may be heard just now. */
	uint64_t since_ns = sp->reports.unheld_since_ns;

	if (!keeps_waiting(sp, since_ns)) {
		*hang = (struct space_hang){ 0 };
		return;
	}
	if (!hang->since_ns || hang->unheld_ns != since_ns)
		*hang = (struct space_hang){
			.since_ns = now_ns,
			.ran_ns = ran_ns(ag->pid),
			.unheld_ns = since_ns,
		};
	if (!is_idle(ag->pid))
		hang->idle_ns = 0;
	else if (!hang->idle_ns)
		hang->idle_ns = now_ns;
	if (!was_asked(sp, since_ns))
		return;
	if (!(hang->idle_ns && now_ns - hang->idle_ns >= ANSWER_NS) &&
	    ran_ns(ag->pid) - hang->ran_ns < ANSWER_NS && now_ns - hang->since_ns < LOADED_NS)
		return;
	if (sp->reports.unheld_since_ns != since_ns)
		return; /* it was heard meanwhile */
	if (!sp->orders.gone)
		log_warn("the agent in process %d hangs: ending it", sp->process.pid);
	if (!agent_kill(ag))
		ag->dead = true; /* it has executed something else */
	*hang = (struct space_hang){ 0 };
}
