/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_WRITEBACK_H
#define UPAGER_WRITEBACK_H

#include "pager.h"

/*
 * Dirty standby pages on their way to slots.  What may be written is recorded
 * in the state file before it is submitted [F5].  The worker's thread only.
 */
int writeback_init(struct pager *pg);
void writeback_fini(struct pager *pg);
/* Queues writes of dirty standby pages, as many as fit in flight. */
void writeback_queue(struct pager *pg, struct space *sp);

#endif
