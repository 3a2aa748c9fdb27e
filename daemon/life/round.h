/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ROUND_H
#define UPAGER_ROUND_H

#include "life/housekeeping.h"

/*
 * Housekeeping: the main thread looks after every process and every space in
 * turn.  Watches processes grow, places agents, registers mappings, notices exec
 * and exit: everything that may wait for a target.  What users ask for is in
 * control/.
 */

/* Before the first round. */
void round_init(struct housekeeping *h);
/* One round of looking after everything; nanoseconds until the next. */
uint64_t round_tick(struct housekeeping *h);

#endif
