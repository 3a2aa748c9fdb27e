// SPDX-License-Identifier: GPL-2.0-only
#include <linux/seq_file.h>
#include <net/netlink.h>
#include "cow.h"
#include "figures.h"
#include "holes.h"
#include "libs.h"
#include "registry.h"

/* All nests number their pad and their first figure alike. */
#define ATTR_PAD   UPAGER_HOLES_A_PAD
#define ATTR_FIRST UPAGER_HOLES_A_COUNT

static_assert((int)UPAGER_LIBS_A_PAD == ATTR_PAD && (int)UPAGER_LIBS_A_COUNT == ATTR_FIRST);
static_assert((int)UPAGER_COW_A_PAD == ATTR_PAD && (int)UPAGER_PAGING_A_PAD == ATTR_PAD);
static_assert(UPAGER_HOLES_A_MAX < FIGURES_MAX && UPAGER_LIBS_A_MAX < FIGURES_MAX);
static_assert(UPAGER_COW_A_MAX < FIGURES_MAX && UPAGER_PAGING_A_MAX < FIGURES_MAX);

static const struct figures_kind holes_kind = {
	.nest = UPAGER_A_HOLES,
	.names = {
		[UPAGER_HOLES_A_COUNT] = "holes_count",
		[UPAGER_HOLES_A_BYTES] = "holes_bytes",
		[UPAGER_HOLES_A_LARGEST_BYTES] = "largest_hole_bytes",
		[UPAGER_HOLES_A_HEAP_BYTES] = "heap_hole_bytes",
		[UPAGER_HOLES_A_STACK_BYTES] = "stack_hole_bytes",
		[UPAGER_HOLES_A_MAPPED_BYTES] = "mapped_bytes",
		[UPAGER_HOLES_A_SPACE_BYTES] = "space_bytes",
	},
};

static const struct figures_kind libs_kind = {
	.nest = UPAGER_A_LIBS,
	.names = {
		[UPAGER_LIBS_A_COUNT] = "libs_count",
		[UPAGER_LIBS_A_MAPPED_BYTES] = "libs_mapped_bytes",
		[UPAGER_LIBS_A_RESIDENT_BYTES] = "libs_resident_bytes",
		[UPAGER_LIBS_A_SHARED_BYTES] = "libs_shared_bytes",
		[UPAGER_LIBS_A_PRIVATE_BYTES] = "libs_private_bytes",
		[UPAGER_LIBS_A_PROPORTIONAL_BYTES] = "libs_proportional_bytes",
	},
};

static int holes_figures(struct figures *figures, struct mm_struct *mm)
{
	struct holes_totals totals;
	int err = holes_totals(mm, &totals);

	if (err)
		return err;
	figures->kind = &holes_kind;
	figures_set(figures, UPAGER_HOLES_A_COUNT, totals.count);
	figures_set(figures, UPAGER_HOLES_A_BYTES, totals.bytes);
	figures_set(figures, UPAGER_HOLES_A_LARGEST_BYTES, totals.largest_bytes);
	figures_set(figures, UPAGER_HOLES_A_HEAP_BYTES, totals.heap_bytes);
	figures_set(figures, UPAGER_HOLES_A_STACK_BYTES, totals.stack_bytes);
	figures_set(figures, UPAGER_HOLES_A_MAPPED_BYTES, totals.mapped_bytes);
	figures_set(figures, UPAGER_HOLES_A_SPACE_BYTES, totals.space_bytes);
	return 0;
}

static int libs_figures(struct figures *figures, struct mm_struct *mm)
{
	struct libs_totals totals;
	int err = libs_totals(mm, &totals);

	if (err)
		return err;
	figures->kind = &libs_kind;
	figures_set(figures, UPAGER_LIBS_A_COUNT, totals.count);
	figures_set(figures, UPAGER_LIBS_A_MAPPED_BYTES, totals.mapped_bytes);
	figures_set(figures, UPAGER_LIBS_A_RESIDENT_BYTES, totals.resident_bytes);
	figures_set(figures, UPAGER_LIBS_A_SHARED_BYTES, totals.shared_bytes);
	figures_set(figures, UPAGER_LIBS_A_PRIVATE_BYTES, totals.private_bytes);
	figures_set(figures, UPAGER_LIBS_A_PROPORTIONAL_BYTES, totals.proportional_bytes);
	return 0;
}

int figures_collect(struct figures figures[FIGURES_NR_KINDS], struct mm_struct *mm,
		    struct tracked *tracked)
{
	int err;

	memset(figures, 0, FIGURES_NR_KINDS * sizeof(*figures));
	err = holes_figures(&figures[0], mm);
	if (!err)
		err = libs_figures(&figures[1], mm);
	if (!err)
		err = cow_figures(&figures[2], mm, tracked);
	if (!err && tracked)
		paging_figures(&figures[3], &tracked->paging);
	return err;
}

void figures_show(struct seq_file *m, const struct figures *figures)
{
	int attr;

	for (attr = ATTR_FIRST; attr < FIGURES_MAX; attr++)
		if (figures->known & (1U << attr))
			seq_printf(m, "%s %llu\n", figures->kind->names[attr],
				   figures->values[attr]);
}

int figures_put(struct sk_buff *skb, const struct figures *figures)
{
	struct nlattr *nest;
	int attr;

	if (!figures->known)
		return 0;
	nest = nla_nest_start(skb, figures->kind->nest);
	if (!nest)
		return -EMSGSIZE;
	for (attr = ATTR_FIRST; attr < FIGURES_MAX; attr++)
		if (figures->known & (1U << attr) &&
		    nla_put_u64_64bit(skb, attr, figures->values[attr], ATTR_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}
