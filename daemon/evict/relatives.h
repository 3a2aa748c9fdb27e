/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RELATIVES_H
#define UPAGER_RELATIVES_H

#include "pager.h"

/*
 * Pages that a fork shares until somebody writes: taking one out of one process
 * frees nothing while a relative has it.  The worker's.
 */

/* As victims_choose(), but such pages go late: passed over four times out of five. */
uint32_t relatives_victims(struct pager *pg, struct space *sp, uint32_t nr_pages,
			   uint32_t run_pages, struct run *runs, uint32_t max_runs);

#endif
