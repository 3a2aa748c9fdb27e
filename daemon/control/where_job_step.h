/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_WHERE_JOB_STEP_H
#define UPAGER_WHERE_JOB_STEP_H

#include "pager.h"

/* Worker: goes on with what housekeeping asked about a space's pages; a few microseconds. */
void where_job_step(struct pager *pg, struct space *sp);

#endif
