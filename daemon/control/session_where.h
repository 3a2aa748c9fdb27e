/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSION_WHERE_H
#define UPAGER_SESSION_WHERE_H

#include "control/session.h"

/* UPAGER_OP_WHERE, of a process that the peer may ask about. */
void session_where(struct session *s, struct housekeeping *h, const struct upager_request *req);
/* Looks whether the worker has answered. */
void session_where_step(struct session *s, struct housekeeping *h);
/* The connection ends. */
void session_where_drop(struct session *s);

#endif
