/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_COW_H
#define _KMOD_COW_H

#include "figures.h"

struct mm_struct;
struct seq_file;
struct tracked;

/* For all of these tracked is NULL if the process is not. */
int cow_figures(struct figures *figures, struct mm_struct *mm, struct tracked *tracked);
int cow_show(struct seq_file *m, struct mm_struct *mm, struct tracked *tracked);

/* Adds what a process and its ended children did to what the children of its parent did. */
void cow_fold(struct tracked *parent, struct tracked *child);

#endif /* _KMOD_COW_H */
