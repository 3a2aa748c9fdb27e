// SPDX-License-Identifier: GPL-2.0-only
#include "agent/orphan.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/call.h"

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)

int orphan_begin(struct orphan *o, char *cause)
{
	int64_t ret;
	int err;

	o->middle.deadline_ns = o->target->deadline_ns;
	o->agent.deadline_ns = o->target->deadline_ns;
	guard_next_is_clone(o->guard, o->target);
	err = CALL_MUST(o->target, &ret, cause, clone, CLONE_VM);
	if (err)
		return err;
	o->middle_inside = (pid_t)ret;
	o->middle.tid = o->target->child;
	err = guard_child_born(o->guard, o->target, o->middle_inside);
	if (err)
		return err;
	err = remote_adopt(&o->middle, o->target->child, o->insn);
	if (!err)
		err = remote_set_options(&o->middle, OPTIONS | PTRACE_O_EXITKILL);
	if (!err)
		realtime_begin(o->middle.tid, &o->before);
	/* Copies of the program's descriptors would keep its pipes open. */
	if (!err)
		err = CALL_MUST(&o->middle, &ret, cause, close_range, 0, UINT32_MAX);
	if (!err)
		err = CALL_MUST(&o->middle, &ret, cause, clone, CLONE_VM | CLONE_FILES);
	if (err)
		return err;
	o->agent_inside = (pid_t)ret;
	return remote_adopt(&o->agent, o->middle.child, o->insn);
}

/* ECHILD: another thread of the program waited with __WALL just now. */
static int reap(struct remote *parent, pid_t child_inside)
{
	int64_t ret;

	return call_make(parent, &ret, SYS_wait4, CALL_ARGS((uint64_t)child_inside, 0, __WALL));
}

int orphan_finish(struct orphan *o)
{
	int err = call_exit(&o->middle);

	if (!err) {
		o->middle.tid = 0;
		err = reap(o->target, o->middle_inside);
	}
	if (!err)
		err = guard_child_reaped(o->guard, o->target);
	return err;
}

int orphan_abort(struct orphan *o)
{
	int err = 0;

	if (o->agent.tid) {
		kill(o->agent.tid, SIGKILL);
		err = remote_wait_exit(&o->agent);
		if (!err && o->middle.tid)
			err = reap(&o->middle, o->agent_inside);
	}
	if (!err && o->middle.tid)
		err = orphan_finish(o);
	return err;
}
