/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ADMISSION_H
#define UPAGER_ADMISSION_H

#include "control/sessions.h"

/* The control socket: who connects. */

/* -EADDRINUSE when a daemon answers there, -EEXIST no socket; a stale one is replaced. */
int sessions_init(struct sessions *ss, const char *path, int listen_fd,
		  const struct quotas *quotas);
/*
 * Nobody stays in the queue, where it would keep out others: who has as many
 * connections as a user may have is told so, and some are root's alone.
 */
void admission_open_all(struct sessions *ss, struct housekeeping *h);
/* A connection that another pager hands over: it is ours, or closed. NULL: closed. */
struct session *admission_take(struct sessions *ss, struct housekeeping *h, int fd);

#endif
