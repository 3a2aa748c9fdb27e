/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSION_SELF_H
#define UPAGER_SESSION_SELF_H

#include "control/session.h"

/* What a peer asks for itself: UPAGER_OP_JOIN and after.  *fd: -1 then if it was taken. */
void session_self_handle(struct session *s, struct housekeeping *h,
			 const struct upager_request *req, int *fd);
/* Goes on with what waits. */
void session_self_step(struct session *s, struct housekeeping *h);
/* The connection ends: gives up what is under way. */
void session_self_drop(struct session *s);

#endif
