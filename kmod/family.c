// SPDX-License-Identifier: GPL-2.0-only
#include "family.h"

void family_join(struct tracked *tracked, struct tracked *parent)
{
	tracked->parent = parent;
	tracked->parent_nr = parent->nr;
	list_add_tail(&tracked->siblings, &parent->children);
}

void family_leave(struct tracked *tracked)
{
	struct tracked *parent = tracked->parent, *child, *next;

	list_for_each_entry_safe(child, next, &tracked->children, siblings) {
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

void family_count(struct tracked *root, u64 values[NR_FIGURES])
{
	struct tracked *tracked = root;
	enum figure figure;

	raw_spin_lock(&owner_lock);
	for (figure = FIGURE_COPIES; figure <= FIGURE_CHILDREN_LOST; figure++)
		values[figure] = tracked_read(root, figure);
	while ((tracked = next_descendant(root, tracked)))
		tracked_add_child(tracked, values);
	raw_spin_unlock(&owner_lock);
}
