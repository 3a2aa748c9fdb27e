/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBUPAGER_CLIENT_H
#define LIBUPAGER_CLIENT_H

#include <sys/types.h>

#include "lib/upager.h"

/* One connection, inside the library. */

#define CLIENT_UNSEEN (-1)
#define CLIENT_DEAD   (-2)

/* fd is -1 once request and answer can no longer be told to belong together. */
struct upager {
	int fd;
	pid_t pid; /* who opened it: for the daemon it stays the peer */
	int daemon_pidfd; /* CLIENT_UNSEEN: of another PID namespace; CLIENT_DEAD */
	char path[108]; /* of the socket */
	int wait_ms; /* for each answer; -1: as long as it takes */
	struct upager_reply reply;
};

/* An answer of the library's own; err. */
int client_fail(struct upager *u, int err, const char *text);
/* After it the connection serves no further call; err, or what stands for it. */
int client_fail_connection(struct upager *u, int err);
/*
 * Waits until something is to be read.  What a dead daemon's keeper holds stays
 * open, and is served if another daemon takes over soon: -EHOSTDOWN if not.
 */
int client_wait(struct upager *u);
/*
 * Sends a request, with pass_fd unless it is -1, and takes the answer, which is
 * returned too; -EPROTO when packets follow that are not expected.
 */
int client_ask(struct upager *u, const struct upager_request *req, int pass_fd,
	       uint32_t max_records);

#endif
