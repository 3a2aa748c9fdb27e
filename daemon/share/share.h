/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SHARE_H
#define UPAGER_SHARE_H

#include <stdint.h>

/*
 * How many share what is not enough for all: weighted max-min fairness.  Who
 * wants less than his part gets what he wants, and the rest is divided among
 * the others (Bertsekas and Gallager, Data Networks, 6.5.2; weighted as in
 * Demers, Keshav and Shenker, SIGCOMM 1989).
 *
 * A share grows only into what the others have let go of: never do all of them
 * together hold more than there is because one was raised before another shrank.
 */
struct claim {
	uint64_t want; /* pages that it could use now */
	uint64_t floor; /* gets so much of that before anybody gets more */
	uint64_t max; /* never more, though there were */
	uint64_t held; /* what it has now */
	uint64_t weight;
	uint64_t due; /* what it should have */
	uint64_t share; /* what it may have now */
};

void share_divide(struct claim *const *claims, uint32_t nr, uint64_t total);

#endif
