/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_TRACKED_H
#define _KMOD_TRACKED_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/list_nulls.h>
#include <linux/llist.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <net/netlink.h>
#include "figures.h"
#include "owner.h"
#include "places.h"
#include "uapi/upager.h"

struct mm_struct;
struct pid;
struct proc_dir_entry;

#define TRACKED_NR_COUNTS (FIGURE_CHILDREN_LOST - FIGURE_COPIES + 1)

/* What happens to a process; told later, in order, by who may sleep. */
enum event_kind {
	EVENT_BORN, /* it came to be tracked, as a child if it has a parent_nr */
	EVENT_EXEC,
	EVENT_GONE, /* it is not tracked any more; its end if it has ended */
	NR_EVENT_KINDS
};

struct event {
	struct llist_node node;
	struct tracked *tracked;
	enum event_kind kind;
};

/*
 * A tracked process.  The table holds a reference as long as the process is listed; an event that
 * is not told yet, work for its directory, an owner that has not read its end, and whoever got one
 * hold one each.
 */
struct tracked {
	struct pid *pid;
	int nr; /* the pid's, in the initial namespace */
	/*
	 * The key of the counters, kept from being freed and so from being another's.  Of entries
	 * that share one, the first is counted for: a vfork child is from its exec on.
	 */
	struct mm_struct *mm;
	struct hlist_nulls_node by_mm;
	/* From here to the counts: protected by the table's lock. */
	struct rb_node by_nr;
	bool listed;
	bool ended;
	bool announced; /* to netlink, when that happens which is told */
	int parent_nr;
	char comm[TASK_COMM_LEN]; /* once it has ended */
	struct claims claims;
	struct tracked *parent; /* the nearest listed ancestor */
	struct list_head children;
	struct list_head siblings;
	struct event events[NR_EVENT_KINDS];
	/* From FIGURE_COPIES on. */
	atomic64_t counts[TRACKED_NR_COUNTS];
	struct places places;
	u64 features; /* once it has ended: which of these tell the truth */
	/* What the pager said last; protected by a lock of its own. */
	spinlock_t paging_lock;
	u32 paging_known; /* a bit for each attribute ever reported */
	u64 paging[UPAGER_PAGING_A_MAX + 1];
	u64 paging_ns; /* of the boot clock, which a suspend does not stop */
	struct proc_dir_entry *dir; /* only its work touches it */
	struct work_struct dir_work; /* with a reference while it is queued */
	struct llist_node spare; /* in the reserve */
	refcount_t refs;
	struct rcu_head rcu;
};

/* Returns an entry of nobody with its first reference, or NULL: no memory, or too many. */
struct tracked *tracked_new(void);
/* What comes with a process, which it may have only once it is sure to be listed. */
void tracked_name(struct tracked *tracked, struct pid *pid, struct mm_struct *mm);
/* In the context of a process: the last one frees. */
void tracked_put(struct tracked *tracked);

/* Forks must not allocate: they take from a reserve, under the table's lock. */
struct tracked *tracked_take_spare(void);
void tracked_return_spare(struct tracked *tracked);
void tracked_fill_reserve(void);
/* Nobody takes from it any more. */
void tracked_free_reserve(void);

static inline atomic64_t *tracked_count(struct tracked *tracked, enum figure figure)
{
	return &tracked->counts[figure - FIGURE_COPIES];
}

u64 tracked_read(struct tracked *tracked, enum figure figure);
/* What was counted for a process, its ended children included, and for its listed descendants. */
void tracked_sum(struct tracked *root, u64 values[NR_FIGURES]);

/* Both under the table's lock.  Who leaves is counted with its parent, who gets its children. */
void tracked_join(struct tracked *tracked, struct tracked *parent);
void tracked_leave(struct tracked *tracked);

/* Of a nest of enum upager_paging_attr that is valid; what is not in it stays as it was. */
void tracked_report(struct tracked *tracked, const struct nlattr *nest);
void tracked_paging(struct tracked *tracked, struct figures *figures);

#endif /* _KMOD_TRACKED_H */
