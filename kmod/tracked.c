// SPDX-License-Identifier: GPL-2.0-only
/* The life of one tracked process' entry, and its counts. */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "tracked.h"

/* Bounds the memory of ended processes whose directory a stuck reader keeps. */
#define ENTRIES_MAX (2 * UPAGER_TRACKED_MAX)
static atomic_t nr_entries;

/* More than are forked until the work that fills it runs. */
#define RESERVE 256
static LLIST_HEAD(reserve);
static atomic_t nr_spare;

struct tracked *tracked_new(void)
{
	struct tracked *tracked = NULL;

	if (atomic_inc_return(&nr_entries) <= ENTRIES_MAX)
		tracked = kzalloc(sizeof(*tracked), GFP_KERNEL);
	if (!tracked) {
		atomic_dec(&nr_entries);
		return NULL;
	}
	INIT_LIST_HEAD(&tracked->children);
	INIT_LIST_HEAD(&tracked->siblings);
	spin_lock_init(&tracked->paging_lock);
	refcount_set(&tracked->refs, 1);
	return tracked;
}

void tracked_name(struct tracked *tracked, struct pid *pid, struct mm_struct *mm)
{
	tracked->pid = get_pid(pid);
	tracked->nr = pid_nr(pid);
	mmgrab(mm);
	WRITE_ONCE(tracked->mm, mm);
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
	owner_uncharge(&tracked->claims);
	kfree_rcu(tracked, rcu);
	atomic_dec(&nr_entries);
}

struct tracked *tracked_take_spare(void)
{
	struct llist_node *node;

	lockdep_assert_held(&owner_lock);
	node = llist_del_first(&reserve);
	if (!node)
		return NULL;
	atomic_dec(&nr_spare);
	return llist_entry(node, struct tracked, spare);
}

void tracked_return_spare(struct tracked *tracked)
{
	llist_add(&tracked->spare, &reserve);
	atomic_inc(&nr_spare);
}

void tracked_fill_reserve(void)
{
	struct tracked *tracked;

	while (atomic_read(&nr_spare) < RESERVE && (tracked = tracked_new()))
		tracked_return_spare(tracked);
}

void tracked_free_reserve(void)
{
	struct tracked *tracked, *next;

	llist_for_each_entry_safe(tracked, next, llist_del_all(&reserve), spare) {
		atomic_dec(&nr_spare);
		tracked_put(tracked);
	}
}

u64 tracked_read(struct tracked *tracked, enum figure figure)
{
	/* Not counted by itself: one atomic operation for each copy is enough. */
	if (figure == FIGURE_BYTES_COPIED)
		return PAGE_SIZE * (tracked_read(tracked, FIGURE_COPIES) +
				    tracked_read(tracked, FIGURE_FILE_FIRST_WRITES)) +
		       tracked_read(tracked, FIGURE_HUGETLB_BYTES_COPIED);
	if (figure == FIGURE_HUGE_SPLIT_BYTES)
		return PMD_SIZE * tracked_read(tracked, FIGURE_HUGE_SPLITS);
	return atomic64_read(tracked_count(tracked, figure));
}

static const enum figure sums_of_children[][2] = {
	{ FIGURE_CHILDREN_COPIES, FIGURE_COPIES },
	{ FIGURE_CHILDREN_REUSES, FIGURE_REUSES_WITHOUT_COPY },
	{ FIGURE_CHILDREN_BYTES_COPIED, FIGURE_BYTES_COPIED },
};

/* What its parent's sum gets of a process: its own, and that of its ended children. */
static u64 share_of(struct tracked *child, const enum figure sum[2])
{
	return tracked_read(child, sum[0]) + tracked_read(child, sum[1]);
}

void tracked_join(struct tracked *tracked, struct tracked *parent)
{
	tracked->parent = parent;
	tracked->parent_nr = parent->nr;
	list_add_tail(&tracked->siblings, &parent->children);
}

void tracked_leave(struct tracked *tracked)
{
	struct tracked *parent = tracked->parent, *child;
	int i;

	list_for_each_entry(child, &tracked->children, siblings)
		child->parent = parent;
	if (!parent) {
		/* They are nobody's now, each a list of one. */
		while (!list_empty(&tracked->children))
			list_del_init(tracked->children.next);
		return;
	}
	list_splice_tail_init(&tracked->children, &parent->children);
	for (i = 0; i < ARRAY_SIZE(sums_of_children); i++)
		atomic64_add(share_of(tracked, sums_of_children[i]),
			     tracked_count(parent, sums_of_children[i][0]));
	list_del_init(&tracked->siblings);
	tracked->parent = NULL;
}

static struct tracked *next_descendant(struct tracked *root, struct tracked *tracked)
{
	if (!list_empty(&tracked->children))
		return list_first_entry(&tracked->children, struct tracked, siblings);
	while (tracked != root) {
		if (!list_is_last(&tracked->siblings, &tracked->parent->children))
			return list_next_entry(tracked, siblings);
		tracked = tracked->parent;
	}
	return NULL;
}

void tracked_sum(struct tracked *root, u64 values[NR_FIGURES])
{
	struct tracked *tracked = root;
	int i;

	raw_spin_lock(&owner_lock);
	for (i = FIGURE_COPIES; i <= FIGURE_CHILDREN_LOST; i++)
		values[i] = tracked_read(root, i);
	while ((tracked = next_descendant(root, tracked)))
		for (i = 0; i < ARRAY_SIZE(sums_of_children); i++)
			values[sums_of_children[i][0]] += share_of(tracked, sums_of_children[i]);
	raw_spin_unlock(&owner_lock);
}

void tracked_report(struct tracked *tracked, const struct nlattr *nest)
{
	const struct nlattr *attr;
	int left;

	spin_lock(&tracked->paging_lock);
	nla_for_each_nested(attr, nest, left) {
		if (nla_type(attr) < UPAGER_PAGING_A_BUDGET_BYTES)
			continue;
		tracked->paging[nla_type(attr)] = nla_get_u64(attr);
		tracked->paging_known |= 1U << nla_type(attr);
	}
	tracked->paging_ns = ktime_get_boottime_ns();
	spin_unlock(&tracked->paging_lock);
}

/* The figures are in the order of the attributes. */
static_assert(FIGURE_IO_ERRORS - FIGURE_BUDGET_BYTES ==
	      UPAGER_PAGING_A_MAX - UPAGER_PAGING_A_BUDGET_BYTES);

void tracked_paging(struct tracked *tracked, struct figures *figures)
{
	int attr, shift = FIGURE_BUDGET_BYTES - UPAGER_PAGING_A_BUDGET_BYTES;

	spin_lock(&tracked->paging_lock);
	for (attr = UPAGER_PAGING_A_BUDGET_BYTES; attr <= UPAGER_PAGING_A_MAX; attr++)
		if (tracked->paging_known & 1U << attr)
			figures_set(figures, shift + attr, tracked->paging[attr]);
	if (tracked->paging_known)
		figures_set(figures, FIGURE_REPORTED_AGE_MS,
			    div_u64(ktime_get_boottime_ns() - tracked->paging_ns, NSEC_PER_MSEC));
	else
		figures_set(figures, FIGURE_REPORTED, 0);
	spin_unlock(&tracked->paging_lock);
}
