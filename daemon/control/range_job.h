/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RANGE_JOB_H
#define UPAGER_RANGE_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/*
 * What housekeeping has the worker do with one range, because the process asked
 * for it.  While there is a range job nothing of its range is a victim.
 */
enum range_job_state {
	RANGE_JOB_NONE, /* housekeeping may give one */
	RANGE_JOB_FETCH, /* worker: bring everything in */
	RANGE_JOB_FETCHED, /* housekeeping: nothing is outside; it ends the range job, or goes on with */
	RANGE_JOB_FORGET, /* worker: the range is not registered any more */
	RANGE_JOB_FORGOTTEN, /* housekeeping: ends it */
};

struct range_job {
	_Atomic uint32_t state; /* enum range_job_state */
	pgno_t first; /* housekeeping's, while NONE, under the space's lock */
	pgno_t end;
	uint64_t cursor; /* the worker's, from FETCH on */
	uint32_t tries; /* housekeeping's: so often it was not, after all */
	uint64_t changes; /* the space's map_changes when it was FETCHED */
};

/* Under the space's lock. */
static inline bool range_job_covers(const struct range_job *e, pgno_t n)
{
	return e->state != RANGE_JOB_NONE && n.v >= e->first.v && n.v < e->end.v;
}

static inline bool range_job_waits(const struct range_job *e)
{
	return e->state == RANGE_JOB_FETCH || e->state == RANGE_JOB_FORGET;
}

#endif
