/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_WHERE_JOB_H
#define UPAGER_WHERE_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "uapi/upager_proto.h"

/*
 * A look at the page table of a space, which is the worker's: housekeeping asks, the worker counts a
 * few leaves in each of its turns.  It changes nothing and waits for nobody.
 */
enum where_job_state {
	WHERE_JOB_NONE, /* housekeeping may ask */
	WHERE_JOB_ASKED, /* worker */
	WHERE_JOB_DONE, /* housekeeping: the answer is there */
};

struct where_job {
	_Atomic uint32_t state; /* enum where_job_state */
	uint64_t ticket; /* housekeeping's: who asked; 0: nobody waits for it any more */
	uint64_t cursor; /* the worker's, from ASKED on: page */
	struct upager_where
		answer; /* whose it is says the state; its counts are 0 when it is asked */
};

static inline bool where_job_waits(const struct where_job *job)
{
	return job->state == WHERE_JOB_ASKED;
}

#endif
