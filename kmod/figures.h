/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_FIGURES_H
#define _KMOD_FIGURES_H

#include <linux/types.h>
#include "uapi/upager.h"

struct mm_struct;
struct seq_file;
struct sk_buff;
struct tracked;

#define FIGURES_MAX 16

/* A kind of figures as both faces show it: a nest of u64 attributes, or lines. */
struct figures_kind {
	enum upager_attr nest;
	const char *names[FIGURES_MAX];
};

/* Figures by attribute; a bit of known is set for each that there is. */
struct figures {
	const struct figures_kind *kind;
	u32 known;
	u64 values[FIGURES_MAX];
};

static inline void figures_set(struct figures *figures, int attr, u64 value)
{
	figures->values[attr] = value;
	figures->known |= 1U << attr;
}

#define FIGURES_NR_KINDS 4

/* The caller holds a reference on mm_users; tracked is NULL for a process that is not. */
int figures_collect(struct figures figures[FIGURES_NR_KINDS], struct mm_struct *mm,
		    struct tracked *tracked);
void figures_show(struct seq_file *m, const struct figures *figures);
int figures_put(struct sk_buff *skb, const struct figures *figures);

#endif /* _KMOD_FIGURES_H */
