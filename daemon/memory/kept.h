/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_KEPT_H
#define UPAGER_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "pager.h"

/*
 * Slots that resident pages keep of their last clean copy, which saves a write
 * if they leave unchanged.  When the areas get full these are the first to go,
 * whosever they are: a hand goes round all spaces, a little each turn.  The
 * worker's.
 */

/* Whether a page that comes back may keep its slot. */
bool kept_may(const struct pager *pg);
/* True: not done, again soon. */
bool kept_step(struct pager *pg, uint64_t now_ns);
/* No free slot is to be had in this way now. */
bool kept_is_exhausted(const struct pager *pg);

#endif
