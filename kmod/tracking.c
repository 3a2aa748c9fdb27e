// SPDX-License-Identifier: GPL-2.0-only
/*
 * The probes of tracepoints run in the context of the process itself (a fork: of the parent) with
 * preemption disabled.  The child of a fork has not run yet, and its exit can come only after the
 * probe.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>
#include "compat.h"
#include "probes.h"
#include "registry.h"
#include "tracking.h"

struct linux_binprm;

static tracking_announce_fn announce;

void tracking_announce(tracking_announce_fn fn)
{
	announce = fn;
}

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
	announce(UPAGER_CMD_FORK, task_tgid_nr(child), task_tgid_nr(parent));
	tracked_put(tracked);
}

static void on_exec(void *data, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	if (registry_rekey(task))
		announce(UPAGER_CMD_EXEC, task_tgid_nr(task), 0);
}

/* The last two threads may both find none left; only one of them finds the entry. */
static COMPAT_EXIT_PROBE(on_exit)
{
	if (!atomic_read(&task->signal->live) && registry_forget(task))
		announce(UPAGER_CMD_EXIT, task_tgid_nr(task), 0);
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

int tracking_init(void)
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
static int arm_points(void)
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

static void disarm_points(void)
{
	disarm_first(ARRAY_SIZE(points));
}

/*
 * Protects the two below.  Entries are added under it, or by a fork of what has an entry: while it
 * is held, none means none to come.
 */
static DEFINE_MUTEX(lock);
static bool accepting;
static bool armed;

static int arm(void)
{
	int err;

	if (!accepting)
		return -ENODEV;
	if (armed)
		return 0;
	err = arm_points();
	if (err)
		return err;
	err = probes_arm();
	if (err)
		disarm_points();
	armed = !err;
	return err;
}

static void disarm(void)
{
	if (!armed)
		return;
	probes_disarm();
	disarm_points();
	armed = false;
}

int tracking_add(struct pid *pid, u32 portid)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_TGID);
	int err = -ESRCH;

	if (!task)
		return -ESRCH;
	mutex_lock(&lock);
	/* Kernel threads and zombies have no memory; nothing is armed for them. */
	if (READ_ONCE(task->mm) && !(task->flags & PF_KTHREAD))
		err = arm();
	if (!err)
		err = registry_add(task, portid);
	if (!registry_count())
		disarm();
	mutex_unlock(&lock);
	put_task_struct(task);
	return err;
}

int tracking_remove(struct pid *pid, u32 portid)
{
	int err = registry_remove(pid, portid);

	tracking_check();
	return err;
}

void tracking_check(void)
{
	mutex_lock(&lock);
	if (!registry_count())
		disarm();
	mutex_unlock(&lock);
}

/* What a socket tracks ends with it, so that a daemon that died leaves nothing armed. */
static int on_socket(struct notifier_block *block, unsigned long event, void *data)
{
	struct netlink_notify *notify = data;

	if (event == NETLINK_URELEASE && notify->protocol == NETLINK_GENERIC &&
	    net_eq(notify->net, &init_net) && notify->portid && registry_remove_all(notify->portid))
		tracking_check();
	return NOTIFY_DONE;
}

static struct notifier_block sockets = { .notifier_call = on_socket };

void tracking_start(void)
{
	netlink_register_notifier(&sockets);
	mutex_lock(&lock);
	accepting = true;
	mutex_unlock(&lock);
}

void tracking_stop(void)
{
	netlink_unregister_notifier(&sockets);
	mutex_lock(&lock);
	accepting = false;
	disarm();
	mutex_unlock(&lock);
	tracepoint_synchronize_unregister();
	registry_empty();
}
