/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HANDED_H
#define UPAGER_HANDED_H

#include "pager.h"

/*
 * Whether a fork handed on a page that is outside, or wiped it [F8], as far as
 * the child's userfaultfd alone can tell, before anybody knows which process it
 * is.  What is wiped has no page in the child, while a page that its parent had
 * and that is here now, though nothing was put there since, was handed on, and
 * with it all of the mapping that it is in.  The worker's.
 */
bool handed_on(struct pager *pg, struct space *sp, pgno_t n);
/* The part of a run around n, which was handed on, that was so, too. */
struct run handed_part(const struct space *sp, struct run run, pgno_t n);

#endif
