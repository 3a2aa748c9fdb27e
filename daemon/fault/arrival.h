/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ARRIVAL_H
#define UPAGER_ARRIVAL_H

#include "pager.h"

/*
 * What becomes of reads that are done, failed or late.  Every read ends with its
 * pages filled or their waiters woken.  The worker's thread only.
 */
int arrival_init(struct pager *pg);
void arrival_fini(struct pager *pg);

/* Fills that waited for events to be applied. */
void arrival_retry(struct pager *pg, struct space *sp);
/* Reads that failed, or take too long; when to look again, 0: not. */
uint64_t arrival_look(struct pager *pg, uint64_t now_ns);

#endif
