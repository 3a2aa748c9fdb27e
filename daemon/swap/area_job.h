/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AREA_JOB_H
#define UPAGER_AREA_JOB_H

#include <stdint.h>

/* An area that comes or goes while programs are paged; one at a time.  Who changes it next: */
enum area_job_state {
	AREA_JOB_NONE, /* housekeeping */
	AREA_JOB_ADD, /* the worker: its ring is to know the file */
	AREA_JOB_ADDED, /* housekeeping */
	AREA_JOB_DRAIN, /* the worker: all that is there goes elsewhere; or housekeeping: -> CANCEL */
	AREA_JOB_CANCEL, /* the worker: it stays; -> NONE */
	AREA_JOB_EMPTIED, /* the worker: it is too late to cancel; -> DRAINED */
	AREA_JOB_DRAINED, /* housekeeping: nobody names a slot of it, nor does the ring know it */
};

struct area_job {
	_Atomic uint32_t state; /* enum area_job_state; from DRAIN by compare and exchange only */
	uint32_t area; /* index */
	_Atomic uint64_t unreadable; /* pages that cannot be moved, of the last round */
};

#endif
