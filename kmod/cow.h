/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_COW_H
#define _KMOD_COW_H

struct figures;
struct tracked;

/* What was counted of a tracked process and of its children. */
void cow_figures(struct figures *figures, struct tracked *tracked);

#endif /* _KMOD_COW_H */
