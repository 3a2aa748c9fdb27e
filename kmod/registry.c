// SPDX-License-Identifier: GPL-2.0-only
/* The table of tracked processes. */
#include <linux/hash.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/rculist_nulls.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include "compat.h"
#include "events.h"
#include "registry.h"

#define BY_MM_BITS 10

static struct rb_root by_nr = RB_ROOT;
static struct hlist_nulls_head by_mm[1 << BY_MM_BITS];
static atomic_t nr_listed;

void registry_init(void)
{
	int bucket;

	for (bucket = 0; bucket < ARRAY_SIZE(by_mm); bucket++)
		INIT_HLIST_NULLS_HEAD(&by_mm[bucket], bucket);
}

struct tracked *registry_find_mm(struct mm_struct *mm)
{
	unsigned int bucket = hash_ptr(mm, BY_MM_BITS);
	struct hlist_nulls_node *node;
	struct tracked *tracked;

	/* An exec moves an entry to another list, and who stood on it along: then look again. */
	do {
		hlist_nulls_for_each_entry_rcu(tracked, node, &by_mm[bucket], by_mm)
			if (READ_ONCE(tracked->mm) == mm)
				return tracked;
	} while (get_nulls_value(node) != bucket);
	return NULL;
}

static void hash_mm(struct tracked *tracked)
{
	hlist_nulls_add_tail_rcu(&tracked->by_mm, &by_mm[hash_ptr(tracked->mm, BY_MM_BITS)]);
}

/* The first from a number on, or NULL. */
static struct tracked *find_from(int nr)
{
	struct rb_node *node = by_nr.rb_node;
	struct tracked *found = NULL;

	lockdep_assert_held(&owner_lock);
	while (node) {
		struct tracked *tracked = rb_entry(node, struct tracked, by_nr);

		if (tracked->nr >= nr)
			found = tracked;
		node = tracked->nr >= nr ? node->rb_left : node->rb_right;
	}
	return found;
}

static struct tracked *find(struct pid *pid)
{
	struct tracked *tracked = find_from(pid_nr(pid));

	return tracked && tracked->pid == pid ? tracked : NULL;
}

static bool is_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct tracked, by_nr)->nr < rb_entry(b, struct tracked, by_nr)->nr;
}

/* Claimed by each of these owners that there is and that may have it, by one at least. */
static int insert(struct tracked *tracked, struct pid *pid, struct mm_struct *mm,
		  struct owner *owners[NR_OWNER_KINDS])
{
	struct tracked *other = find_from(pid_nr(pid));
	int kind, err = -EDQUOT;
	bool claimed = false;

	/* Who has the number now is tracked, so the other is gone. */
	if (other && other->nr == pid_nr(pid))
		return -ESRCH;
	if (atomic_read(&nr_listed) >= UPAGER_TRACKED_MAX)
		return -E2BIG;
	for (kind = 0; kind < NR_OWNER_KINDS; kind++) {
		if (!owners[kind])
			continue;
		err = owner_claim(owners[kind], &tracked->claims);
		claimed |= !err;
	}
	if (!claimed)
		return err;
	tracked_name(tracked, pid, mm);
	rb_add(&tracked->by_nr, &by_nr, is_less);
	hash_mm(tracked);
	atomic_inc(&nr_listed);
	WRITE_ONCE(tracked->listed, true);
	refcount_inc(&tracked->refs);
	return 0;
}

static void take_out(struct tracked *tracked, bool ended)
{
	lockdep_assert_held(&owner_lock);
	WRITE_ONCE(tracked->listed, false);
	rb_erase(&tracked->by_nr, &by_nr);
	hlist_nulls_del_init_rcu(&tracked->by_mm);
	tracked_leave(tracked);
	atomic_dec(&nr_listed);
	tracked->ended = ended;
	tracked->announced = tracked->claims.of[OWNER_SOCKET].owner;
	owner_release(&tracked->claims, OWNER_ROOT);
	owner_release(&tracked->claims, OWNER_SOCKET);
	/* An end is still its reader's, until that is told. */
	if (!ended)
		owner_release(&tracked->claims, OWNER_FILE);
	/* With the table's reference. */
	events_add(tracked, EVENT_GONE);
}

static void exec(struct task_struct *task, struct mm_struct *mm)
{
	struct tracked *tracked, *spare = NULL;
	struct owner *reader;
	bool claimed = true;

	raw_spin_lock(&owner_lock);
	tracked = find(task_tgid(task));
	if (!tracked || tracked->mm == mm)
		goto unlock;
	/* A program with rights that a user has not is none of his any more. */
	reader = tracked->claims.of[OWNER_FILE].owner;
	if (reader && reader->account && !compat_is_dumpable(task, mm))
		claimed = owner_release(&tracked->claims, OWNER_FILE);
	if (claimed)
		spare = tracked_take_spare();
	if (!spare) {
		take_out(tracked, false);
		goto unlock;
	}
	/* It lets go of the former address space, which may not be done here. */
	tracked_name(spare, tracked->pid, mm);
	spare->announced = tracked->claims.of[OWNER_SOCKET].owner;
	hlist_nulls_del_init_rcu(&tracked->by_mm);
	swap(spare->mm, tracked->mm);
	hash_mm(tracked);
	events_add(spare, EVENT_EXEC);
unlock:
	raw_spin_unlock(&owner_lock);
}

/* An exec may have come between the look at an address space and the entry of it. */
static void catch_up(struct task_struct *task, struct mm_struct *mm)
{
	struct mm_struct *now;

	while ((now = get_task_mm(task)) && now != mm) {
		exec(task, now);
		mmput_async(mm);
		mm = now;
	}
	mmput_async(mm);
	if (now)
		mmput_async(now);
}

int registry_add(struct task_struct *task, struct owner *owner)
{
	struct owner *owners[NR_OWNER_KINDS] = {};
	struct tracked *fresh = tracked_new(), *tracked;
	struct mm_struct *mm = get_task_mm(task);
	int err = mm ? -ENOMEM : -ESRCH;

	owners[owner->kind] = owner;
	if (mm && fresh) {
		raw_spin_lock(&owner_lock);
		tracked = find(task_tgid(task));
		if (tracked) {
			err = owner_claim(owner, &tracked->claims);
		} else {
			err = insert(fresh, task_tgid(task), mm, owners);
			if (!err) {
				refcount_inc(&fresh->refs);
				events_add(fresh, EVENT_BORN);
			}
		}
		raw_spin_unlock(&owner_lock);
	}
	if (mm)
		catch_up(task, mm);
	/* Pairs with the end of the last thread, which looks for an entry after this fell to 0. */
	smp_mb();
	if (!err && !atomic_read(&task->signal->live)) {
		registry_end(task);
		err = -ESRCH;
	}
	if (fresh)
		tracked_put(fresh);
	return err;
}

int registry_remove(struct pid *pid, const struct owner *owner)
{
	struct tracked *tracked;
	int err = -ESRCH;

	raw_spin_lock(&owner_lock);
	tracked = find(pid);
	if (tracked &&
	    (owner->kind == OWNER_ROOT || tracked->claims.of[owner->kind].owner == owner)) {
		if (!owner_release(&tracked->claims, owner->kind) || owner->kind == OWNER_ROOT)
			take_out(tracked, false);
		err = 0;
	}
	raw_spin_unlock(&owner_lock);
	return err;
}

void registry_leave(struct owner *owner)
{
	struct tracked *tracked;
	bool more;

	/* One at a time: others may want the lock. */
	do {
		raw_spin_lock(&owner_lock);
		more = !list_empty(&owner->claims);
		if (more) {
			tracked = list_first_entry(&owner->claims, struct tracked,
						   claims.of[owner->kind].node);
			if (!owner_release(&tracked->claims, owner->kind) && tracked->listed)
				take_out(tracked, false);
		}
		raw_spin_unlock(&owner_lock);
		cond_resched();
	} while (more);
	while ((tracked = registry_take_ended(owner, &more)))
		tracked_put(tracked);
}

void registry_ended(struct tracked *tracked)
{
	struct claim *reader = &tracked->claims.of[OWNER_FILE];

	raw_spin_lock(&owner_lock);
	if (reader->owner) {
		list_move_tail(&reader->node, &reader->owner->ended);
		refcount_inc(&tracked->refs);
	}
	raw_spin_unlock(&owner_lock);
}

struct tracked *registry_take_ended(struct owner *owner, bool *more_to_come)
{
	struct tracked *tracked;

	raw_spin_lock(&owner_lock);
	tracked =
		list_first_entry_or_null(&owner->ended, struct tracked, claims.of[OWNER_FILE].node);
	if (tracked)
		owner_release(&tracked->claims, OWNER_FILE);
	*more_to_come = !list_empty(&owner->claims);
	raw_spin_unlock(&owner_lock);
	return tracked;
}

unsigned int registry_count(void)
{
	return atomic_read(&nr_listed);
}

struct tracked *registry_get(struct pid *pid, u32 portid)
{
	struct tracked *tracked;
	struct owner *socket;

	raw_spin_lock(&owner_lock);
	tracked = find(pid);
	socket = tracked ? tracked->claims.of[OWNER_SOCKET].owner : NULL;
	if (portid && (!socket || socket->portid != portid))
		tracked = NULL;
	if (tracked)
		refcount_inc(&tracked->refs);
	raw_spin_unlock(&owner_lock);
	return tracked;
}

struct tracked *registry_next(int *nr)
{
	struct tracked *tracked;

	raw_spin_lock(&owner_lock);
	tracked = find_from(*nr);
	if (tracked) {
		*nr = tracked->nr;
		refcount_inc(&tracked->refs);
	}
	raw_spin_unlock(&owner_lock);
	return tracked;
}

static bool adopt(struct tracked *parent, struct task_struct *child)
{
	struct owner *owners[NR_OWNER_KINDS];
	struct tracked *tracked = tracked_take_spare();
	int kind;

	if (!tracked)
		return false;
	for (kind = 0; kind < NR_OWNER_KINDS; kind++)
		owners[kind] = parent->claims.of[kind].owner;
	if (insert(tracked, task_pid(child), child->mm, owners)) {
		tracked_return_spare(tracked);
		return false;
	}
	tracked_join(tracked, parent);
	tracked->announced = owners[OWNER_SOCKET];
	events_add(tracked, EVENT_BORN);
	return true;
}

void registry_fork(struct task_struct *parent, struct task_struct *child)
{
	struct tracked *tracked;

	/* Others' forks do not come to the lock. */
	rcu_read_lock();
	tracked = registry_find_mm(parent->mm);
	rcu_read_unlock();
	if (!tracked)
		return;
	raw_spin_lock(&owner_lock);
	tracked = find(task_tgid(parent));
	if (tracked) {
		if (child->mm != parent->mm) {
			atomic64_inc(tracked_count(tracked, FIGURE_FORKS));
			atomic64_add(mm_pgtables_bytes(child->mm),
				     tracked_count(tracked, FIGURE_PAGE_TABLE_BYTES_COPIED));
		}
		atomic64_inc(tracked_count(tracked, adopt(tracked, child) ? FIGURE_CHILDREN
									  : FIGURE_CHILDREN_LOST));
	}
	raw_spin_unlock(&owner_lock);
}

void registry_exec(struct task_struct *task)
{
	exec(task, task->mm);
}

void registry_end(struct task_struct *task)
{
	struct tracked *tracked;

	raw_spin_lock(&owner_lock);
	tracked = find(task_tgid(task));
	if (tracked) {
		strscpy(tracked->comm, task->group_leader->comm, sizeof(tracked->comm));
		take_out(tracked, true);
	}
	raw_spin_unlock(&owner_lock);
}
