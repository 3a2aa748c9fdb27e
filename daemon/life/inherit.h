/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_INHERIT_H
#define UPAGER_INHERIT_H

#include "life/proc.h"
#include "pager.h"

/*
 * What a fork's child has of its parent's registered mappings [F8], for the
 * worker; again if a mapping went away since it was looked at.  Where what is
 * present in them does not tell the worker that they were handed on, their flags
 * are looked at, which walks all page tables.  Its own flags tell, but are looked at when it has run for a while: it may have changed by
 * madvise() what forks wipe, and no event tells that.  So the parent's are looked
 * at, too, as far as they are what they were at the fork.  Where both say the
 * same that is how it was.  Where they do not, what is outside is in doubt: the
 * child gets SIGBUS there rather than what may be wrong.  Programs make a mapping
 * WIPEONFORK when it is new, so both is rare.  DONTFORK they change at any time,
 * and a child that has the mapping has inherited it, unless it grew another one
 * in place over it.  The housekeeping thread.
 */
int inherit(struct pager *pg, struct space *sp, const struct proc *p);

#endif
