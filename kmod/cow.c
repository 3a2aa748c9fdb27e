// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include "cow.h"
#include "probes.h"
#include "registry.h"
#include "walk.h"

static const struct figures_kind cow_kind = {
	.nest = UPAGER_A_COW,
	.names = {
		[UPAGER_COW_A_SHARED_NOW_PAGES] = "shared_now_pages",
		[UPAGER_COW_A_MAYBE_SHARED_PAGES] = "maybe_shared_pages",
		[UPAGER_COW_A_COPIES] = "copies",
		[UPAGER_COW_A_REUSES_WITHOUT_COPY] = "reuses_without_copy",
		[UPAGER_COW_A_ZERO_FIRST_WRITES] = "zero_first_writes",
		[UPAGER_COW_A_FILE_FIRST_WRITES] = "file_first_writes",
		[UPAGER_COW_A_HUGE_BREAKS] = "huge_breaks",
		[UPAGER_COW_A_FORKS] = "forks",
		[UPAGER_COW_A_PAGE_TABLE_BYTES_COPIED] = "page_table_bytes_copied",
		[UPAGER_COW_A_BYTES_COPIED] = "bytes_copied",
		[UPAGER_COW_A_CHILDREN] = "children",
		[UPAGER_COW_A_CHILDREN_COPIES] = "children_copies",
		[UPAGER_COW_A_CHILDREN_REUSES] = "children_reuses",
		[UPAGER_COW_A_CHILDREN_BYTES_COPIED] = "children_bytes_copied",
	},
};

/* Without these features a count would be zero and a lie. */
static const u64 counts_need[UPAGER_COW_A_MAX + 1] = {
	[UPAGER_COW_A_COPIES] = UPAGER_FEATURE_COPIES,
	[UPAGER_COW_A_REUSES_WITHOUT_COPY] = UPAGER_FEATURE_REUSES,
	[UPAGER_COW_A_ZERO_FIRST_WRITES] = UPAGER_FEATURE_ZERO_WRITES,
	[UPAGER_COW_A_FILE_FIRST_WRITES] = UPAGER_FEATURE_FILE_WRITES,
	[UPAGER_COW_A_HUGE_BREAKS] = UPAGER_FEATURE_HUGE_BREAKS,
	[UPAGER_COW_A_BYTES_COPIED] = UPAGER_FEATURE_COPIES | UPAGER_FEATURE_FILE_WRITES,
	[UPAGER_COW_A_CHILDREN_COPIES] = UPAGER_FEATURE_COPIES,
	[UPAGER_COW_A_CHILDREN_REUSES] = UPAGER_FEATURE_REUSES,
	[UPAGER_COW_A_CHILDREN_BYTES_COPIED] = UPAGER_FEATURE_COPIES | UPAGER_FEATURE_FILE_WRITES,
};

static u64 count_of(struct tracked *tracked, enum upager_cow_attr attr)
{
	return atomic64_read(&tracked->counts[attr]);
}

/* Not counted by itself: one atomic operation for each copy is enough. */
static u64 bytes_copied(struct tracked *tracked)
{
	return PAGE_SIZE * (count_of(tracked, UPAGER_COW_A_COPIES) +
			    count_of(tracked, UPAGER_COW_A_FILE_FIRST_WRITES));
}

static void add_child(struct tracked *child, u64 *values)
{
	values[UPAGER_COW_A_CHILDREN_COPIES] += count_of(child, UPAGER_COW_A_COPIES) +
						count_of(child, UPAGER_COW_A_CHILDREN_COPIES);
	values[UPAGER_COW_A_CHILDREN_REUSES] += count_of(child, UPAGER_COW_A_REUSES_WITHOUT_COPY) +
						count_of(child, UPAGER_COW_A_CHILDREN_REUSES);
	values[UPAGER_COW_A_CHILDREN_BYTES_COPIED] +=
		bytes_copied(child) + count_of(child, UPAGER_COW_A_CHILDREN_BYTES_COPIED);
}

void cow_fold(struct tracked *parent, struct tracked *child)
{
	u64 values[UPAGER_COW_A_MAX + 1] = {};
	int attr;

	add_child(child, values);
	for (attr = UPAGER_COW_A_CHILDREN_COPIES; attr <= UPAGER_COW_A_MAX; attr++)
		atomic64_add(values[attr], &parent->counts[attr]);
}

/* Of ended children the counts of the process itself tell; the living ones are added. */
static void add_member(struct tracked *member, bool is_root, void *data)
{
	u64 *values = data;
	int attr;

	if (!is_root) {
		add_child(member, values);
		return;
	}
	for (attr = UPAGER_COW_A_COPIES; attr <= UPAGER_COW_A_MAX; attr++)
		values[attr] = count_of(member, attr);
	values[UPAGER_COW_A_BYTES_COPIED] = bytes_copied(member);
}

int cow_figures(struct figures *figures, struct mm_struct *mm, struct tracked *tracked)
{
	u64 shared_now_pages, maybe_shared_pages, features = probes_features();
	int attr, err;

	err = walk_cow(mm, &shared_now_pages, &maybe_shared_pages);
	if (err)
		return err;
	figures->kind = &cow_kind;
	if (tracked) {
		registry_for_family(tracked, add_member, figures->values);
		for (attr = UPAGER_COW_A_COPIES; attr <= UPAGER_COW_A_MAX; attr++)
			if ((features & counts_need[attr]) == counts_need[attr])
				figures->known |= 1U << attr;
	}
	figures_set(figures, UPAGER_COW_A_SHARED_NOW_PAGES, shared_now_pages);
	figures_set(figures, UPAGER_COW_A_MAYBE_SHARED_PAGES, maybe_shared_pages);
	return 0;
}

int cow_show(struct seq_file *m, struct mm_struct *mm, struct tracked *tracked)
{
	struct figures figures = {};
	int err = cow_figures(&figures, mm, tracked);

	if (!err)
		figures_show(m, &figures);
	return err;
}
