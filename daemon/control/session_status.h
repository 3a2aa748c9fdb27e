/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSION_STATUS_H
#define UPAGER_SESSION_STATUS_H

#include "control/session.h"
#include "life/housekeeping.h"

/* The requests that are answered at once with what is known: STATUS, STALL, PING. reply is empty. */
void session_tell(struct session *s, struct housekeeping *h, const struct upager_request *req,
		  struct upager_reply *reply);

#endif
