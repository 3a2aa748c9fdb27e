/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_REFUSE_H
#define UPAGER_REFUSE_H

#include "pager.h"

/*
 * A fork's child that cannot be taken on, for want of page tables, memory or
 * descriptors: it gets SIGBUS where it needs what is outside, and is on its own.
 * Where that cannot be said (no UFFDIO_POISON, before Linux 6.6; it moved memory
 * meanwhile) its descriptor is kept in pg->unserved, and it gets a signal at the
 * first page that is missing (life/sigbus.h).  The descriptor is taken over.
 */
void refuse_child(struct pager *pg, const struct space *parent, int child_uffd);
/* Once the events of a batch are recorded as applied: until then the number must stay its own. */
void refuse_finish(struct pager *pg);

#endif
