/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ADVICE_H
#define UPAGER_ADVICE_H

#include "life/housekeeping.h"

/*
 * Hints of a process about its paged memory.  They are kept with the regions,
 * so they move and go as those do.  0, -ENOMEM where not all of the range is
 * paged (the rest has got the hint), or more would be pinned than the budget
 * bears.  -EINPROGRESS: done when the range job is FETCHED.  The housekeeping thread.
 */
int advice_give(struct housekeeping *h, struct proc *p, uint64_t addr, uint64_t bytes,
		enum upager_advice advice, char text[UPAGER_TEXT_BYTES]);

#endif
