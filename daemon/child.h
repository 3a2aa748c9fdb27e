/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CHILD_H
#define UPAGER_CHILD_H

#include "pager.h"
#include "proc.h"

/*
 * A fork's child: which process it is, and what it inherited.  The event names
 * no pid.  Its first fault names a thread, which may be a debugger's or a
 * number of another namespace; a child that touches nothing never faults.  So
 * whoever may be meant is asked: its stack, which is never paged, is registered
 * by the child's userfaultfd for a moment, and only the child's own mappings
 * show that.  The house's thread.
 */

/*
 * Finds the process of a space that is NEWBORN, and inherits; search: also if
 * its first fault does not tell.  NULL: not yet.
 */
struct proc *child_identify(struct pager *pg, struct space *sp, const struct proc *parent,
			    bool search);
/*
 * What the child has of its parent's registered mappings, for the worker; again
 * if a mapping went away since it was looked at.
 */
int child_inherit(struct pager *pg, struct space *sp, const struct proc *p);

#endif
