// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories are made and removed by works, which may sleep, in the order in which entries came
 * and went: so that the directory of a pid is gone before that of the next with this pid comes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "dir.h"
#include "events.h"
#include "report.h"
#include "tracked.h"

static struct workqueue_struct *workqueue;
static struct proc_dir_entry *root;
static atomic_t nr_queued;
static atomic_t nr_done;
static DECLARE_WAIT_QUEUE_HEAD(progress);

static void make(struct tracked *tracked)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", tracked->nr);
	tracked->dir = proc_mkdir_data(name, 0555, root, tracked->pid);
	if (tracked->dir)
		refcount_inc(&tracked->refs);
	if (!tracked->dir || report_files_make(tracked->dir))
		pr_warn_ratelimited("no memory for the files of process %d, which is tracked\n",
				    tracked->nr);
}

static void settle(struct work_struct *work)
{
	struct tracked *tracked = container_of(work, struct tracked, dir_work);

	if (READ_ONCE(tracked->listed)) {
		make(tracked);
	} else if (tracked->dir) {
		/* Waits for the calls in flight on its files. */
		proc_remove(tracked->dir);
		tracked->dir = NULL;
		tracked_put(tracked);
	}
	tracked_put(tracked);
	atomic_inc(&nr_done);
	wake_up_all(&progress);
}

void dir_changed(struct tracked *tracked, enum event_kind kind)
{
	if (kind == EVENT_EXEC)
		return;
	if (kind == EVENT_BORN)
		INIT_WORK(&tracked->dir_work, settle);
	refcount_inc(&tracked->refs);
	if (queue_work(workqueue, &tracked->dir_work))
		atomic_inc(&nr_queued);
	else
		tracked_put(tracked);
}

void dir_settle(void)
{
	int target;

	events_flush();
	target = atomic_read(&nr_queued);
	wait_event_killable_timeout(progress, atomic_read(&nr_done) - target >= 0, HZ);
}

int dir_init(struct proc_dir_entry *parent)
{
	root = parent;
	workqueue = alloc_ordered_workqueue("upager", 0);
	return workqueue ? 0 : -ENOMEM;
}

void dir_fini(void)
{
	destroy_workqueue(workqueue);
}
