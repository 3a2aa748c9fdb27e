/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracked descendants of a tracked process. */
#ifndef _KMOD_FAMILY_H
#define _KMOD_FAMILY_H

#include "tracked.h"

/* Both under the table's lock.  Who leaves is counted with its parent, who gets its children. */
void family_join(struct tracked *tracked, struct tracked *parent);
void family_leave(struct tracked *tracked);

/* What was counted for @root, in which its ended children are, and for its listed descendants. */
void family_count(struct tracked *root, u64 values[NR_FIGURES]);

#endif /* _KMOD_FAMILY_H */
