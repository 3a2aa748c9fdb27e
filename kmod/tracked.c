// SPDX-License-Identifier: GPL-2.0-only
/* The life of one tracked process' entry and of its directory. */
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "arming.h"
#include "report.h"
#include "tracked.h"

/* Ordered, so that the directory of a pid is gone before that of the next with this pid comes. */
static struct workqueue_struct *directories;

/* Bounds the memory of ended processes whose directory a stuck reader keeps. */
#define ENTRIES_MAX (2 * UPAGER_TRACKED_MAX)
static atomic_t nr_entries;

static void appear(struct work_struct *work)
{
	struct tracked *tracked = container_of(work, struct tracked, appear);

	if (READ_ONCE(tracked->listed))
		report_dir_make(tracked);
	complete_all(&tracked->appeared);
	tracked_put(tracked);
}

static void vanish(struct work_struct *work)
{
	struct tracked *tracked = container_of(work, struct tracked, vanish);

	report_dir_remove(tracked);
	complete_all(&tracked->vanished);
	tracked_put(tracked);
	arming_check();
}

struct tracked *tracked_new(struct pid *pid, gfp_t gfp)
{
	struct tracked *tracked = NULL;

	if (atomic_inc_return(&nr_entries) <= ENTRIES_MAX)
		tracked = kzalloc(sizeof(*tracked), gfp);
	if (!tracked) {
		atomic_dec(&nr_entries);
		return NULL;
	}
	tracked->pid = get_pid(pid);
	INIT_LIST_HEAD(&tracked->children);
	INIT_LIST_HEAD(&tracked->siblings);
	INIT_WORK(&tracked->appear, appear);
	INIT_WORK(&tracked->vanish, vanish);
	init_completion(&tracked->appeared);
	init_completion(&tracked->vanished);
	paging_prepare(&tracked->paging);
	refcount_set(&tracked->refs, 1);
	return tracked;
}

/*
 * No reader of the table can take an address space for this entry's once it is freed and used
 * again: who looks for the new one began after the entry was taken out.
 */
void tracked_put(struct tracked *tracked)
{
	if (!refcount_dec_and_test(&tracked->refs))
		return;
	put_pid(tracked->pid);
	if (tracked->mm)
		mmdrop(tracked->mm);
	kfree_rcu(tracked, rcu);
	atomic_dec(&nr_entries);
}

void tracked_appear(struct tracked *tracked)
{
	refcount_inc(&tracked->refs);
	queue_work(directories, &tracked->appear);
}

void tracked_vanish(struct tracked *tracked)
{
	queue_work(directories, &tracked->vanish);
}

void tracked_wait(struct completion *completion)
{
	wait_for_completion_killable_timeout(completion, HZ);
}

int tracked_init(void)
{
	directories = alloc_ordered_workqueue("upager", 0);
	return directories ? 0 : -ENOMEM;
}

void tracked_fini(void)
{
	destroy_workqueue(directories);
}
