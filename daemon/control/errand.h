/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ERRAND_H
#define UPAGER_ERRAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/*
 * What the house has the worker do with one range, because the process asked
 * for it.  While there is an errand nothing of its range is a victim.
 */
enum errand_state {
	ERRAND_NONE, /* the house may give one */
	ERRAND_FETCH, /* worker: bring everything in */
	ERRAND_FETCHED, /* house: nothing is outside; it ends the errand, or goes on with */
	ERRAND_FORGET, /* worker: the range is not registered any more */
	ERRAND_FORGOTTEN, /* house: ends it */
};

struct errand {
	_Atomic uint32_t state; /* enum errand_state */
	pgno_t first; /* the house's, while NONE, under the space's lock */
	pgno_t end;
	uint64_t cursor; /* the worker's, from FETCH on */
	uint32_t tries; /* the house's: so often it was not, after all */
	uint64_t changes; /* the space's map_changes when it was FETCHED */
};

/* Under the space's lock. */
static inline bool errand_covers(const struct errand *e, pgno_t n)
{
	return e->state != ERRAND_NONE && n.v >= e->first.v && n.v < e->end.v;
}

static inline bool errand_waits(const struct errand *e)
{
	return e->state == ERRAND_FETCH || e->state == ERRAND_FORGET;
}

#endif
