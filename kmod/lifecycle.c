// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fork, exec and exit of tracked processes.
 *
 * The probes run in the context of the process itself (a fork: of the parent) with preemption
 * disabled.  The child of a fork has not run yet, and its exit can come only after the probe.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/tracepoint.h>
#include "compat.h"
#include "event.h"
#include "lifecycle.h"
#include "registry.h"

struct linux_binprm;

static void count_fork(struct tracked *parent, struct mm_struct *mm)
{
	atomic64_inc(tracked_count(parent, FIGURE_FORKS));
	atomic64_add(mm_pgtables_bytes(mm), tracked_count(parent, FIGURE_PAGE_TABLE_BYTES_COPIED));
}

static void on_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	struct tracked *tracked;
	int err;

	/* A thread, or a kernel thread. */
	if (!thread_group_leader(child) || !child->mm)
		return;
	tracked = registry_get(task_tgid(parent));
	if (!tracked)
		return;
	if (child->mm != parent->mm)
		count_fork(tracked, child->mm);
	err = registry_adopt(tracked, child);
	/* Untracked meanwhile, or tracked by somebody else before this. */
	if (err && err != -ESRCH && err != -EEXIST)
		pr_warn_ratelimited("child %d of %d is not tracked (error %d): %s\n",
				    task_tgid_nr(child), task_tgid_nr(parent), err,
				    err == -E2BIG ? "untrack other processes" : "out of memory");
	event_send(UPAGER_CMD_FORK, task_tgid_nr(child), task_tgid_nr(parent));
	tracked_put(tracked);
}

static void on_exec(void *data, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	if (registry_rekey(task))
		event_send(UPAGER_CMD_EXEC, task_tgid_nr(task), 0);
}

/* The last two threads may both find none left; only one of them finds the entry. */
static COMPAT_EXIT_PROBE(on_exit)
{
	if (!atomic_read(&task->signal->live) && registry_forget(task))
		event_send(UPAGER_CMD_EXIT, task_tgid_nr(task), 0);
}

static struct {
	const char *name;
	void *probe;
	struct tracepoint *tracepoint;
} points[] = {
	{ "sched_process_exit", on_exit },
	{ "sched_process_exec", on_exec },
	{ "sched_process_fork", on_fork },
};

/* None of them is exported to modules. */
static void find(struct tracepoint *tracepoint, void *data)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		if (!strcmp(tracepoint->name, points[i].name))
			points[i].tracepoint = tracepoint;
}

int lifecycle_init(void)
{
	int i;

	for_each_kernel_tracepoint(find, NULL);
	for (i = 0; i < ARRAY_SIZE(points); i++) {
		if (points[i].tracepoint)
			continue;
		pr_err("the kernel has no tracepoint %s: it needs CONFIG_TRACEPOINTS\n",
		       points[i].name);
		return -ENODEV;
	}
	return 0;
}

static void disarm_first(int nr_armed)
{
	while (nr_armed--)
		tracepoint_probe_unregister(points[nr_armed].tracepoint, points[nr_armed].probe,
					    NULL);
}

/* Exit first: no entry may miss its end. */
int lifecycle_arm(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(points); i++) {
		err = tracepoint_probe_register(points[i].tracepoint, points[i].probe, NULL);
		if (err) {
			disarm_first(i);
			return err;
		}
	}
	return 0;
}

void lifecycle_disarm(void)
{
	disarm_first(ARRAY_SIZE(points));
}
