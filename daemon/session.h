/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSION_H
#define UPAGER_SESSION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "house.h"

/* The control socket: connections, who may ask what, and the answers. */
#define SESSIONS_MAX 64

struct session {
	int fd; /* -1: free */
	uid_t uid; /* of the peer */
	pid_t waits_for; /* process of a DETACH or POPULATE that is under way; 0 none */
	bool detach;
};

struct sessions {
	int listen_fd;
	struct session at[SESSIONS_MAX];
};

/* -EADDRINUSE when a daemon answers there, -EEXIST no socket; a stale one is replaced. */
int sessions_init(struct sessions *ss, const char *path);
void sessions_fini(struct sessions *ss, const char *path);
/* Fills pollfd entries; their number, at most SESSIONS_MAX + 1. */
uint32_t sessions_poll(const struct sessions *ss, struct pollfd *pfd);
/* Handles what is readable and answers what is over. */
void sessions_handle(struct sessions *ss, struct house *h);

#endif
