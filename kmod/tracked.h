/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_TRACKED_H
#define _KMOD_TRACKED_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/list_nulls.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include "paging.h"

struct mm_struct;
struct pid;
struct proc_dir_entry;

/*
 * A tracked process.  The table holds a reference as long as the process is listed; a directory
 * under way or there, an open file and whoever got one hold one each.
 */
struct tracked {
	struct pid *pid;
	/*
	 * The key of the counters, kept from being freed and so from being another's.  An address
	 * space shared with an entry that was there first is not hashed a second time: a vfork
	 * child is counted from its exec on.
	 */
	struct mm_struct *mm;
	struct hlist_nulls_node by_mm;
	bool listed;
	/* The nearest listed ancestor; these three are protected by the table's lock. */
	struct tracked *parent;
	struct list_head children;
	struct list_head siblings;
	atomic64_t counts[UPAGER_COW_A_MAX + 1];
	struct paging paging;
	struct proc_dir_entry *dir; /* only the ordered work touches it */
	struct work_struct appear;
	struct work_struct vanish;
	struct completion appeared;
	struct completion vanished;
	refcount_t refs;
	struct rcu_head rcu;
};

int tracked_init(void);
/* Waits until all directories vanished; the table is empty and stays so. */
void tracked_fini(void);

/* Returns the first reference, or NULL if there is no memory or too many are still vanishing. */
struct tracked *tracked_new(struct pid *pid, gfp_t gfp);
void tracked_put(struct tracked *tracked);

/* Have the directory made, and removed: soon, and in this order.  They do not sleep. */
void tracked_appear(struct tracked *tracked);
/* Takes over the reference of the table. */
void tracked_vanish(struct tracked *tracked);

/* Waits for one of the two, but not for long: a stuck reader of a directory delays all others. */
void tracked_wait(struct completion *completion);

#endif /* _KMOD_TRACKED_H */
