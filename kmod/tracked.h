/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_TRACKED_H
#define _KMOD_TRACKED_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/list_nulls.h>
#include <linux/llist.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <net/netlink.h>
#include "figures.h"
#include "uapi/upager.h"

struct mm_struct;
struct pid;
struct proc_dir_entry;

#define TRACKED_NR_COUNTS (FIGURE_CHILDREN_BYTES_COPIED - FIGURE_COPIES + 1)

/*
 * A tracked process.  The table holds a reference as long as the process is listed; work for its
 * directory, an open file and whoever got one hold one each.
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
	/* These are protected by the table's lock. */
	bool listed;
	bool pinned; /* by whoever may track anything, until he stops it */
	u32 portid; /* of the netlink socket that it ends with, or 0 */
	struct tracked *parent; /* the nearest listed ancestor */
	struct list_head children;
	struct list_head siblings;
	/* From FIGURE_COPIES on. */
	atomic64_t counts[TRACKED_NR_COUNTS];
	/* What the pager said last; protected by a lock of its own. */
	spinlock_t paging_lock;
	u32 paging_known; /* a bit for each attribute ever reported */
	u64 paging[UPAGER_PAGING_A_MAX + 1];
	u64 paging_ns; /* of the boot clock, which a suspend does not stop */
	struct proc_dir_entry *dir; /* only its work touches it */
	struct llist_node dir_work;
	unsigned long dir_queued; /* bit 0: it is among the work, with a reference */
	refcount_t refs;
	struct rcu_head rcu;
};

/* Returns the first reference, or NULL if there is no memory or there are too many. */
struct tracked *tracked_new(struct pid *pid, gfp_t gfp);
void tracked_put(struct tracked *tracked);

static inline atomic64_t *tracked_count(struct tracked *tracked, enum figure figure)
{
	return &tracked->counts[figure - FIGURE_COPIES];
}

u64 tracked_read(struct tracked *tracked, enum figure figure);
/* Adds what a process and its ended children did, to figures of its parent. */
void tracked_add_child(struct tracked *child, u64 values[NR_FIGURES]);
void tracked_fold(struct tracked *parent, struct tracked *child);

/* Of attributes that are there; what is not stays as it was reported last. */
void tracked_report(struct tracked *tracked, struct nlattr *attrs[UPAGER_PAGING_A_MAX + 1]);
void tracked_paging(struct tracked *tracked, struct figures *figures);

#endif /* _KMOD_TRACKED_H */
