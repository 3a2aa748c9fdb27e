/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ASK_H
#define UPAGER_ASK_H

#include "life/proc.h"
#include "pager.h"

/*
 * Whether a process has the address space of a userfaultfd.  Its stack, which is
 * never paged, is registered by that for a moment, and only the process whose
 * own it is shows that.  Nobody else does so with this mapping at just these
 * moments.  The housekeeping thread.
 */
bool ask_is_child(const struct pager *pg, const struct space *sp, const struct proc *p);
/* The same of one that no space has; a daemon that dies meanwhile leaves the stack registered. */
bool ask_has_uffd(const struct pager *pg, int uffd, const struct proc *p);

#endif
