/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SETTLE_H
#define UPAGER_SETTLE_H

#include <stdbool.h>

#include "pager.h"

/*
 * What became of the batches that the agent was given.  The worker's thread
 * only.
 */

/* Settles the batches that the agent has finished; true if there was one. */
bool settle_finished(struct pager *pg, struct space *sp);
/*
 * Settles everything that is pending without waiting for the agent; it is dead
 * or held.  What it has moved and not copied is read from staging through
 * /proc/PID/mem.
 */
void settle_now(struct pager *pg, struct space *sp);
/*
 * Before the worker runs: what the daemon before this one had posted.  The agent
 * is held or dead, and no event was applied since.
 */
void settle_inherited(struct pager *pg, struct space *sp);

#endif
