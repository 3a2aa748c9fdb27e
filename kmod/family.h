/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracked descendants of a tracked process. */
#ifndef _KMOD_FAMILY_H
#define _KMOD_FAMILY_H

#include "tracked.h"

/* Both under the table's lock.  Who leaves is counted with its parent, who gets its children. */
void family_join(struct tracked *tracked, struct tracked *parent);
void family_leave(struct tracked *tracked);

/* Calls @member, which must not sleep, for @root and each of its listed descendants. */
void family_each(struct tracked *root,
		 void (*member)(struct tracked *member, bool is_root, void *data), void *data);

#endif /* _KMOD_FAMILY_H */
