/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_NEWBORN_H
#define UPAGER_NEWBORN_H

#include "pager.h"

/* What the worker does with a fork's child when the house has found out about it. */

/*
 * The house knows the process.  What it has not got registered it did not
 * inherit, or it was wiped: nothing of the parent's tables holds there.
 */
void newborn_grow_up(struct pager *pg, struct space *sp);
/* The house has placed an agent: from now on the space can evict. */
void newborn_take_agent(struct pager *pg, struct space *sp);

#endif
