/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSION_FILL_H
#define UPAGER_SESSION_FILL_H

#include "control/session.h"

/*
 * DETACH and POPULATE: the worker brings everything in, which takes as long as the
 * device does.  Who closes the connection before that gives it up.
 */
void session_fill(struct session *s, struct housekeeping *h, struct proc *p, bool detach,
		  struct upager_reply *reply);
/* Looks whether that is over. others_wait: for the same process. */
void session_fill_step(struct session *s, struct housekeeping *h, bool others_wait);

#endif
