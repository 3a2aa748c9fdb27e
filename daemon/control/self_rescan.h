/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELF_RESCAN_H
#define UPAGER_SELF_RESCAN_H

#include "life/proc.h"
#include "pager.h"

/*
 * What is registered in a process that is paged by itself, as the kernel tells
 * it: after it grew or moved a mapping.  Takes on nothing else.
 */
int self_rescan(struct pager *pg, struct proc *p);

#endif
