/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_EXIT_ROUND_H
#define UPAGER_EXIT_ROUND_H

#include "pager.h"

/* Finds what exit_pages.h is about. The worker's. */

/* Before each choice of victims: looks on.  False: nothing may be evicted yet. */
bool exit_round_look(struct pager *pg, struct space *sp);
/* After evictions: looks on if that is due.  When to come again, 0: not at all. */
uint64_t exit_round_look_after(struct pager *pg, struct space *sp);

#endif
