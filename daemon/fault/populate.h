/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_POPULATE_H
#define UPAGER_POPULATE_H

#include <stdbool.h>

#include "pager.h"

/*
 * Brings everything in, for a detach or because somebody asked.  A step starts
 * what fits in flight; true when nothing is left outside.  The worker's thread
 * only.
 */
bool populate_step(struct pager *pg, struct space *sp);
/* Starts to fetch [*cursor, end), as far as *cursor then says; true: up to the end. */
bool populate_range(struct pager *pg, struct space *sp, uint64_t *cursor, pgno_t end);

#endif
