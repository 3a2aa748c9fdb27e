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
/* Writes that take too long have failed; when to look again, 0: not. */
/* Records of writes that others than writeback.c have under way [F5]. */
#define WRITEBACK_OTHERS 8
/* nr_pages 0: it is over. */
void writeback_record_other(struct pager *pg, uint32_t i, slot_t slot, uint32_t nr_pages);
uint64_t writeback_look(struct pager *pg, uint64_t now_ns);
void writeback_queue(struct pager *pg, struct space *sp);

#endif
