// SPDX-License-Identifier: GPL-2.0-only
/*
 * The probes of tracepoints run in the context of the process itself (a fork: of the parent), where
 * nobody may sleep, not even for a lock that PREEMPT_RT makes one that does.  The child of a fork
 * has not run yet, and its exit can come only after the probe.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include "compat.h"
#include "events.h"
#include "probes.h"
#include "registry.h"
#include "tracking.h"

struct linux_binprm;

static void on_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	/* Not a thread, nor a kernel thread. */
	if (thread_group_leader(child) && child->mm)
		registry_fork(parent, child);
}

static void on_exec(void *data, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	registry_exec(task);
}

/* The last two threads may both find none left; only one of them finds the entry. */
static COMPAT_EXIT_PROBE(on_exit)
{
	if (!atomic_read(&task->signal->live))
		registry_end(task);
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

static void disarm_points(int nr_armed)
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
			disarm_points(i);
			return err;
		}
	}
	return 0;
}

/*
 * Protects what is below.  Entries are added under it, or by a fork of what has an entry: while it
 * is held, none means none to come.
 */
static DEFINE_MUTEX(lock);
static bool accepting;
static bool armed;
static LIST_HEAD(sockets);
static struct owner root;

static int arm(void)
{
	int err;

	if (!accepting)
		return -ENODEV;
	tracked_fill_reserve();
	if (armed && !registry_count())
		probes_renew();
	if (armed)
		return 0;
	err = arm_points();
	if (err)
		return err;
	err = probes_arm();
	if (err)
		disarm_points(ARRAY_SIZE(points));
	armed = !err;
	return err;
}

static void disarm(void)
{
	if (armed) {
		probes_disarm();
		disarm_points(ARRAY_SIZE(points));
		tracepoint_synchronize_unregister();
	}
	armed = false;
	tracked_free_reserve();
}

/* Some time after the last entry, or who comes and goes would have the kernel patched. */
static void run_disarm(struct work_struct *work)
{
	mutex_lock(&lock);
	if (!registry_count())
		disarm();
	mutex_unlock(&lock);
}

static DECLARE_DELAYED_WORK(disarm_work, run_disarm);

void tracking_tell(struct tracked *tracked, enum event_kind kind)
{
	if (READ_ONCE(armed))
		tracked_fill_reserve();
	if (kind != EVENT_GONE)
		return;
	tracked->features = probes_features(true) | UPAGER_FEATURE_EVENTS;
	registry_ended(tracked);
	if (!registry_count())
		mod_delayed_work(compat_unbound_wq, &disarm_work, HZ);
}

static int add(struct pid *pid, struct owner *owner)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_TGID);
	int err = -ESRCH;

	lockdep_assert_held(&lock);
	if (!task)
		return -ESRCH;
	/* Kernel threads and zombies have no memory; nothing is armed for them. */
	if (READ_ONCE(task->mm) && !(task->flags & PF_KTHREAD))
		err = arm();
	if (!err)
		err = registry_add(task, owner);
	if (armed && !registry_count())
		mod_delayed_work(compat_unbound_wq, &disarm_work, HZ);
	put_task_struct(task);
	return err;
}

int tracking_add(struct pid *pid, struct owner *owner)
{
	int err;

	mutex_lock(&lock);
	err = add(pid, owner ?: &root);
	mutex_unlock(&lock);
	return err;
}

int tracking_remove(struct pid *pid, struct owner *owner)
{
	return registry_remove(pid, owner ?: &root);
}

static struct owner *find_socket(u32 portid)
{
	struct owner *owner;

	lockdep_assert_held(&lock);
	list_for_each_entry(owner, &sockets, list)
		if (owner->portid == portid)
			return owner;
	return NULL;
}

int tracking_add_socket(struct pid *pid, u32 portid)
{
	struct owner *owner;
	int err = -ENOMEM;

	mutex_lock(&lock);
	owner = find_socket(portid);
	if (!owner) {
		owner = owner_new(OWNER_SOCKET, NULL);
		if (owner) {
			owner->portid = portid;
			list_add(&owner->list, &sockets);
		}
	}
	if (owner)
		err = add(pid, owner);
	mutex_unlock(&lock);
	return err;
}

int tracking_remove_socket(struct pid *pid, u32 portid)
{
	struct owner *owner;
	int err = -ESRCH;

	mutex_lock(&lock);
	owner = find_socket(portid);
	if (owner)
		err = registry_remove(pid, owner);
	mutex_unlock(&lock);
	return err;
}

static void drop_socket(struct owner *owner)
{
	list_del(&owner->list);
	registry_leave(owner);
	owner_free(owner);
}

/* What a socket tracks ends with it, so that a daemon that died leaves nothing armed. */
static int on_socket(struct notifier_block *block, unsigned long event, void *data)
{
	struct netlink_notify *notify = data;
	struct owner *owner;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC ||
	    !net_eq(notify->net, &init_net) || !notify->portid)
		return NOTIFY_DONE;
	mutex_lock(&lock);
	owner = find_socket(notify->portid);
	if (owner)
		drop_socket(owner);
	mutex_unlock(&lock);
	return NOTIFY_DONE;
}

static struct notifier_block on_sockets = { .notifier_call = on_socket };

u64 tracking_features(void)
{
	u64 features;

	mutex_lock(&lock);
	if (armed && !registry_count())
		probes_renew();
	features = probes_features(armed);
	mutex_unlock(&lock);
	return features | UPAGER_FEATURE_EVENTS | UPAGER_FEATURE_PINNED |
	       (IS_ENABLED(CONFIG_NO_PAGE_MAPCOUNT) ? 0 : UPAGER_FEATURE_SHARED_NOW);
}

void tracking_start(void)
{
	owner_init(&root, OWNER_ROOT);
	netlink_register_notifier(&on_sockets);
	mutex_lock(&lock);
	accepting = true;
	mutex_unlock(&lock);
}

void tracking_stop(void)
{
	struct owner *owner, *next;

	netlink_unregister_notifier(&on_sockets);
	mutex_lock(&lock);
	accepting = false;
	disarm();
	list_for_each_entry_safe(owner, next, &sockets, list)
		drop_socket(owner);
	registry_leave(&root);
	mutex_unlock(&lock);
	events_flush();
	cancel_delayed_work_sync(&disarm_work);
	tracked_free_reserve();
}
