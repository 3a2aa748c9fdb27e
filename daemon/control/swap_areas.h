/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SWAP_AREAS_H
#define UPAGER_SWAP_AREAS_H

#include "control/session.h"

/* SWAPON and SWAPOFF, which name the area by a descriptor.  Root's only. */
void swap_areas_handle(struct session *s, struct housekeeping *h, const struct upager_request *req,
		       int fd);
/* Ends what nobody waits for any more. */
void swap_areas_look_after(struct pager *pg);
/* Whoever had an area let go of does not wait for it any more: it stays. */
void swap_areas_drop(struct session *s);

#endif
