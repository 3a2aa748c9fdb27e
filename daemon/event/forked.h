/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FORKED_H
#define UPAGER_FORKED_H

#include "pager.h"

/* What the worker does with a fork's child when housekeeping has found out about it. */

/*
 * Housekeeping knows the process.  What it has not got registered it did not
 * inherit, or it was wiped: nothing of the parent's tables holds there.
 */
void forked_go_live(struct pager *pg, struct space *sp);
/* Housekeeping has placed an agent: from now on the space can evict. */
void forked_take_agent(struct pager *pg, struct space *sp);

#endif
