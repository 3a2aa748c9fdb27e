/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FILL_H
#define UPAGER_FILL_H

#include "memory/page_entry_format.h"
#include "pager.h"

/* Fills that need no read, and what becomes of faults whose fill did not happen.  The worker's. */

/* Waits until waiting faults are looked at again; or, where too many do, faults again. */
void fill_wait(struct pager *pg, struct space *sp, struct fault f);
/* The same, and that is in a moment. */
void fill_later(struct pager *pg, struct space *sp, struct fault f);
/* What to do about a fill that did not happen. True: the fault is over. */
bool fill_failed(struct pager *pg, struct space *sp, struct fault f, int error);
/* Second chance: STANDBY page p comes back from the pool. */
void fill_rescue(struct pager *pg, struct space *sp, struct fault f, struct page p);
/* SIGBUS for whoever touches a page whose only copy cannot be had. */
void fill_lost(struct pager *pg, struct space *sp, struct fault f);
/* The only copy of SWAPPED page p cannot be had: from now on, for whoever comes. */
void fill_lose(struct pager *pg, struct space *sp, struct fault f, struct page p);

#endif
