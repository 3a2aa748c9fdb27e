/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSION_STATUS_H
#define UPAGER_SESSION_STATUS_H

#include "control/session.h"
#include "life/housekeeping.h"

/* The requests that are answered with records. reply is empty. */
void session_status(struct session *s, struct housekeeping *h, pid_t pid,
		    struct upager_reply *reply);
void session_ping(struct session *s, struct housekeeping *h, struct upager_reply *reply);

#endif
