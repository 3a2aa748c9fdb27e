// SPDX-License-Identifier: GPL-2.0-only
/* The table of tracked processes. */
#include <linux/hash.h>
#include <linux/pid.h>
#include <linux/rculist_nulls.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include "registry.h"

#define BY_MM_BITS 10

/* Protects what is listed, by pid and by address space, and the family lines. */
static DEFINE_SPINLOCK(lock);
static DEFINE_XARRAY(by_pid);
static struct hlist_nulls_head by_mm[1 << BY_MM_BITS];
static atomic_t nr_listed;
static void (*tell_changed)(struct tracked *tracked);

struct tracked *registry_find_mm(struct mm_struct *mm)
{
	unsigned int bucket = hash_ptr(mm, BY_MM_BITS);
	struct hlist_nulls_node *node;
	struct tracked *tracked;

	/* An exec moves an entry to another list, and who stood on it along: then look again. */
	do {
		node = rcu_dereference_raw(hlist_nulls_first_rcu(&by_mm[bucket]));
		for (; !is_a_nulls(node); node = rcu_dereference_raw(hlist_nulls_next_rcu(node))) {
			tracked = hlist_nulls_entry(node, struct tracked, by_mm);
			if (READ_ONCE(tracked->mm) == mm)
				return tracked;
		}
	} while (get_nulls_value(node) != bucket);
	return NULL;
}

static void hash_mm(struct tracked *tracked, struct mm_struct *mm)
{
	mmgrab(mm);
	WRITE_ONCE(tracked->mm, mm);
	if (!registry_find_mm(mm))
		hlist_nulls_add_head_rcu(&tracked->by_mm, &by_mm[hash_ptr(mm, BY_MM_BITS)]);
}

static int insert(struct tracked *tracked, struct mm_struct *mm)
{
	unsigned long nr = pid_nr(tracked->pid);
	int err;

	lockdep_assert_held(&lock);
	/* Who has the number now is tracked, so the other is gone. */
	if (xa_load(&by_pid, nr))
		return -ESRCH;
	if (atomic_read(&nr_listed) >= UPAGER_TRACKED_MAX)
		return -E2BIG;
	err = xa_err(xa_store(&by_pid, nr, tracked, GFP_ATOMIC | __GFP_NOWARN));
	if (err)
		return err;
	hash_mm(tracked, mm);
	atomic_inc(&nr_listed);
	tracked->listed = true;
	refcount_inc(&tracked->refs);
	tell_changed(tracked);
	return 0;
}

static void take_out(struct tracked *tracked)
{
	struct tracked *parent = tracked->parent, *child;

	lockdep_assert_held(&lock);
	WRITE_ONCE(tracked->listed, false);
	xa_erase(&by_pid, pid_nr(tracked->pid));
	hlist_nulls_del_init_rcu(&tracked->by_mm);
	while (!list_empty(&tracked->children)) {
		child = list_first_entry(&tracked->children, struct tracked, siblings);
		child->parent = parent;
		if (parent)
			list_move_tail(&child->siblings, &parent->children);
		else
			list_del_init(&child->siblings);
	}
	if (parent) {
		tracked_fold(parent, tracked);
		list_del_init(&tracked->siblings);
		tracked->parent = NULL;
	}
	atomic_dec(&nr_listed);
	/* Who is told takes a reference, so that this one is not the last. */
	tell_changed(tracked);
	tracked_put(tracked);
}

static struct tracked *find(struct pid *pid)
{
	struct tracked *tracked = xa_load(&by_pid, pid_nr(pid));

	return tracked && tracked->pid == pid ? tracked : NULL;
}

bool registry_has(struct tracked *tracked, u32 portid)
{
	bool has;

	spin_lock(&lock);
	has = tracked->listed && tracked->portid == portid;
	spin_unlock(&lock);
	return has;
}

static int claim(struct tracked *tracked, u32 portid)
{
	lockdep_assert_held(&lock);
	if (portid && tracked->portid && tracked->portid != portid)
		return -EBUSY;
	if (portid)
		tracked->portid = portid;
	else
		tracked->pinned = true;
	return 0;
}

/* Under the lock, so that an exec finds either the entry, or its work done. */
static int insert_task(struct tracked *tracked, struct task_struct *task, u32 portid)
{
	struct tracked *old;
	struct mm_struct *mm;
	int err;

	spin_lock(&lock);
	mm = get_task_mm(task);
	old = find(tracked->pid);
	err = mm ? claim(old ?: tracked, portid) : -ESRCH;
	if (!err && !old)
		err = insert(tracked, mm);
	spin_unlock(&lock);
	if (mm)
		mmput_async(mm);
	return err;
}

int registry_add(struct task_struct *task, u32 portid)
{
	struct tracked *tracked = tracked_new(task_tgid(task), GFP_KERNEL);
	int err;

	if (!tracked)
		return -ENOMEM;
	err = insert_task(tracked, task, portid);
	/* Pairs with the end of the last thread, which looks for an entry after this fell to 0. */
	smp_mb();
	if (!err && !atomic_read(&task->signal->live)) {
		registry_remove(tracked->pid, 0);
		err = -ESRCH;
	}
	tracked_put(tracked);
	return err;
}

/* Returns whether there was anything to let go of. */
static bool let_go(struct tracked *tracked, u32 portid)
{
	lockdep_assert_held(&lock);
	if (portid && tracked->portid != portid)
		return false;
	tracked->portid = 0;
	if (!portid || !tracked->pinned)
		take_out(tracked);
	return true;
}

int registry_remove(struct pid *pid, u32 portid)
{
	struct tracked *tracked;
	int err;

	spin_lock(&lock);
	tracked = find(pid);
	err = tracked && let_go(tracked, portid) ? 0 : -ESRCH;
	spin_unlock(&lock);
	return err;
}

unsigned int registry_remove_all(u32 portid)
{
	struct tracked *tracked;
	unsigned int nr = 0;
	unsigned long i;

	spin_lock(&lock);
	xa_for_each(&by_pid, i, tracked) nr += let_go(tracked, portid);
	spin_unlock(&lock);
	return nr;
}

unsigned int registry_count(void)
{
	return atomic_read(&nr_listed);
}

struct tracked *registry_get(struct pid *pid)
{
	struct tracked *tracked;

	rcu_read_lock();
	tracked = xa_load(&by_pid, pid_nr(pid));
	if (tracked && (tracked->pid != pid || !refcount_inc_not_zero(&tracked->refs)))
		tracked = NULL;
	rcu_read_unlock();
	return tracked;
}

struct tracked *registry_next(unsigned long *nr)
{
	struct tracked *tracked;

	/* Listed means referenced by the table. */
	spin_lock(&lock);
	tracked = xa_find(&by_pid, nr, ULONG_MAX, XA_PRESENT);
	if (tracked)
		refcount_inc(&tracked->refs);
	spin_unlock(&lock);
	return tracked;
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

void registry_for_family(struct tracked *root,
			 void (*member)(struct tracked *member, bool is_root, void *data),
			 void *data)
{
	struct tracked *tracked = root;

	spin_lock(&lock);
	for (; tracked; tracked = next_descendant(root, tracked))
		member(tracked, tracked == root, data);
	spin_unlock(&lock);
}

int registry_adopt(struct tracked *parent, struct task_struct *child)
{
	struct tracked *tracked = tracked_new(task_pid(child), GFP_NOWAIT | __GFP_NOWARN);
	int err = -ESRCH;

	if (!tracked)
		return -ENOMEM;
	spin_lock(&lock);
	/* It may have been untracked meanwhile. */
	if (parent->listed) {
		tracked->pinned = parent->pinned;
		tracked->portid = parent->portid;
		err = insert(tracked, child->mm);
	}
	if (!err) {
		tracked->parent = parent;
		list_add_tail(&tracked->siblings, &parent->children);
		atomic64_inc(tracked_count(parent, FIGURE_CHILDREN));
	}
	spin_unlock(&lock);
	tracked_put(tracked);
	return err;
}

bool registry_rekey(struct task_struct *task)
{
	struct mm_struct *old = NULL;
	struct tracked *tracked;

	spin_lock(&lock);
	tracked = find(task_tgid(task));
	if (tracked && tracked->mm != task->mm) {
		old = tracked->mm;
		hlist_nulls_del_init_rcu(&tracked->by_mm);
		hash_mm(tracked, task->mm);
	}
	spin_unlock(&lock);
	if (old)
		mmdrop(old);
	return tracked;
}

bool registry_forget(struct task_struct *task)
{
	return !registry_remove(task_tgid(task), 0);
}

void registry_init(void (*changed)(struct tracked *tracked))
{
	int bucket;

	tell_changed = changed;
	for (bucket = 0; bucket < ARRAY_SIZE(by_mm); bucket++)
		INIT_HLIST_NULLS_HEAD(&by_mm[bucket], bucket);
}

void registry_empty(void)
{
	registry_remove_all(0);
}
