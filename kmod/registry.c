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
#include "arming.h"
#include "cow.h"
#include "registry.h"

#define BY_MM_BITS 10

/* Protects what is listed, by pid and by address space, and the family lines. */
static DEFINE_SPINLOCK(lock);
static DEFINE_XARRAY(by_pid);
static struct hlist_nulls_head by_mm[1 << BY_MM_BITS];
static atomic_t nr_listed;

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

static int insert(struct tracked *tracked, struct mm_struct *mm, struct tracked *parent)
{
	unsigned long nr = pid_nr(tracked->pid);
	struct tracked *old = xa_load(&by_pid, nr);
	int err;

	lockdep_assert_held(&lock);
	/* Who has the number now is tracked, so the other is gone. */
	if (old)
		return old->pid == tracked->pid ? -EEXIST : -ESRCH;
	if (atomic_read(&nr_listed) >= UPAGER_TRACKED_MAX)
		return -E2BIG;
	err = xa_err(xa_store(&by_pid, nr, tracked, GFP_ATOMIC | __GFP_NOWARN));
	if (err)
		return err;
	hash_mm(tracked, mm);
	if (parent) {
		tracked->parent = parent;
		list_add_tail(&tracked->siblings, &parent->children);
		atomic64_inc(&parent->counts[UPAGER_COW_A_CHILDREN]);
	}
	atomic_inc(&nr_listed);
	tracked->listed = true;
	refcount_inc(&tracked->refs);
	tracked_appear(tracked);
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
		cow_fold(parent, tracked);
		list_del_init(&tracked->siblings);
		tracked->parent = NULL;
	}
	atomic_dec(&nr_listed);
	tracked_vanish(tracked);
}

/* Returns whether it was listed until now. */
static bool remove(struct tracked *tracked)
{
	bool listed;

	spin_lock(&lock);
	listed = tracked->listed;
	if (listed)
		take_out(tracked);
	spin_unlock(&lock);
	return listed;
}

/* Under the lock, so that an exec finds either the entry, or its work done. */
static int insert_task(struct tracked *tracked, struct task_struct *task)
{
	struct mm_struct *mm;
	int err;

	spin_lock(&lock);
	mm = get_task_mm(task);
	err = mm ? insert(tracked, mm, NULL) : -ESRCH;
	spin_unlock(&lock);
	if (mm)
		mmput_async(mm);
	return err;
}

static int track(struct pid *pid, struct task_struct *task)
{
	struct tracked *tracked = tracked_new(pid, GFP_KERNEL);
	int err;

	if (!tracked)
		return -ENOMEM;
	err = arming_begin();
	if (err)
		goto put_tracked;
	err = insert_task(tracked, task);
	/* Pairs with the end of the last thread, which looks for an entry after this fell to 0. */
	smp_mb();
	if (!err && !atomic_read(&task->signal->live)) {
		remove(tracked);
		err = -ESRCH;
	}
	arming_end();
	/* Who asked for it can look at once. */
	if (!err)
		tracked_wait(&tracked->appeared);
put_tracked:
	tracked_put(tracked);
	return err == -EEXIST ? 0 : err;
}

int registry_track(struct pid *pid)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_TGID);
	int err;

	if (!task)
		return -ESRCH;
	/* Kernel threads and zombies have no memory; nothing is armed for them. */
	err = READ_ONCE(task->mm) && !(task->flags & PF_KTHREAD) ? track(pid, task) : -ESRCH;
	put_task_struct(task);
	return err;
}

int registry_untrack(struct pid *pid)
{
	struct tracked *tracked = registry_get(pid);
	int err = 0;

	if (!tracked)
		return -ESRCH;
	if (remove(tracked))
		tracked_wait(&tracked->vanished);
	else
		err = -ESRCH;
	tracked_put(tracked);
	return err;
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
	if (parent->listed)
		err = insert(tracked, child->mm, parent);
	spin_unlock(&lock);
	tracked_put(tracked);
	return err;
}

bool registry_rekey(struct task_struct *task)
{
	struct pid *pid = task_tgid(task);
	struct mm_struct *old = NULL;
	struct tracked *tracked;

	spin_lock(&lock);
	tracked = xa_load(&by_pid, pid_nr(pid));
	if (tracked && tracked->pid != pid)
		tracked = NULL;
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
	struct tracked *tracked = registry_get(task_tgid(task));
	bool listed;

	if (!tracked)
		return false;
	listed = remove(tracked);
	tracked_put(tracked);
	return listed;
}

void registry_init(void)
{
	int bucket;

	for (bucket = 0; bucket < ARRAY_SIZE(by_mm); bucket++)
		INIT_HLIST_NULLS_HEAD(&by_mm[bucket], bucket);
}

void registry_empty(void)
{
	struct tracked *tracked;
	unsigned long nr = 0;

	while ((tracked = registry_next(&nr))) {
		remove(tracked);
		tracked_put(tracked);
	}
}
