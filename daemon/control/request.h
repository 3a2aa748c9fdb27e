/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_REQUEST_H
#define UPAGER_REQUEST_H

#include "life/housekeeping.h"

/* Smallest budget: below it the pager's own batches would fill it. */
#define REQUEST_BUDGET_MIN_BYTES (4ULL << 20)

/*
 * What the control socket asks for.  0, or -errno with a clause in text; the
 * detach and populate calls only start and are over when *_pending() says so.
 */
/* For @uid, who may; @target is the pidfd of the process that he may do it to. */
int request_attach(struct housekeeping *h, const struct upager_request *req, uid_t uid, int target,
		   char text[UPAGER_TEXT_BYTES]);
/* Whether it is neither too small nor more than there is. */
int request_check_budget(const struct housekeeping *h, uint64_t budget_bytes,
			 char text[UPAGER_TEXT_BYTES]);
/* Of its whole family, if it has one; a weight alone leaves the budget. */
int request_set_budget(struct housekeeping *h, struct proc *p, const struct upager_request *req,
		       char text[UPAGER_TEXT_BYTES]);
int request_fill(struct housekeeping *h, struct proc *p, char text[UPAGER_TEXT_BYTES]);
bool request_fill_pending(struct housekeeping *h, struct proc *p);
/* After a fill, or instead of the rest of it: goes on paging. */
void request_resume(struct housekeeping *h, struct proc *p);
/* After a fill: gives the process back and forgets it. */
int request_release(struct housekeeping *h, struct proc *p, char text[UPAGER_TEXT_BYTES]);
/* What may be taken without pushing the machine into trouble. */
uint64_t request_spare_bytes(void);
/* What giving back all that is outside of it takes. */
uint64_t request_outside_bytes(const struct proc *p);

#endif
