/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FAULT_H
#define UPAGER_FAULT_H

#include <stdbool.h>

#include "pager.h"

/*
 * The life of a fault: fault_begin() looks at the page's state and fills it at
 * once, queues a read, or lets it wait; fault_filled() in fault.c is the end.
 * The worker's thread only.
 */
int faults_init(struct pager *pg);
void faults_fini(struct pager *pg);

void fault_begin(struct pager *pg, struct space *sp, struct fault f);
/* Looks again at the faults and fills that waited. */
void fault_retry(struct pager *pg, struct space *sp);
/* Goes on bringing everything in; true when nothing is left outside. */
bool fault_fill_all(struct pager *pg, struct space *sp);
/* Pages of reads in flight are dropped when they arrive (the space is gone). */
uint32_t fault_reads_in_flight(struct pager *pg, const struct space *sp);

#endif
