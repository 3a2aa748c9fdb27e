// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>
#include "lifecycle.h"
#include "probes.h"
#include "registry.h"
#include "tracking.h"

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
	err = lifecycle_arm();
	if (err)
		return err;
	err = probes_arm();
	if (err)
		lifecycle_disarm();
	armed = !err;
	return err;
}

static void disarm(void)
{
	if (!armed)
		return;
	probes_disarm();
	lifecycle_disarm();
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
