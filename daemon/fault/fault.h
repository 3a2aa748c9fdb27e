/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FAULT_H
#define UPAGER_FAULT_H

#include "memory/page_entry_format.h"
#include "pager.h"

/*
 * The life of a fault: fault_begin() looks at the page's state and fills it at
 * once, hands it to swapin.c, or lets it wait.  The worker's thread only.
 */
void fault_begin(struct pager *pg, struct space *sp, struct fault f);
/* A fault of nobody's: the page is to come in, once all events are applied.  False: too many are. */
bool fault_ask(struct pager *pg, struct space *sp, pgno_t n);
/* Looks again at the faults and fills that waited. */
void fault_retry(struct pager *pg, struct space *sp);

#endif
