/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RANGE_JOB_STEP_H
#define UPAGER_RANGE_JOB_STEP_H

#include "pager.h"

/* Goes on with a space's range job, and with what is to be fetched ahead.  The worker's thread. */
void range_job_step(struct pager *pg, struct space *sp);

#endif
