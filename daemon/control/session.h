/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSION_H
#define UPAGER_SESSION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/self.h"
#include "life/house.h"

/* The control socket: connections, who may ask what, and the answers. */
#define SESSIONS_MAX 64

/* What a peer waits for that is paged by itself. */
enum session_step {
	STEP_NONE,
	STEP_AGAIN, /* until the request can be served */
	STEP_READY, /* for the agent's first sign of life */
	STEP_PIN, /* for the worker, to fetch */
	STEP_FETCH, /* the same, to unregister then */
	STEP_FORGET, /* for the worker, to forget */
};

struct session {
	int fd; /* -1: free */
	uid_t uid; /* of the peer */
	pid_t waits_for; /* process of a DETACH or POPULATE that is under way; 0 none */
	bool detach;
	struct self_peer peer;
	struct house *house;
	struct self_join *join; /* under way, NULL none */
	enum session_step step; /* of what the peer asked for itself */
	struct upager_request asked; /* that */
};

struct sessions {
	int listen_fd;
	struct session at[SESSIONS_MAX];
};

/* -EADDRINUSE when a daemon answers there, -EEXIST no socket; a stale one is replaced. */
int sessions_init(struct sessions *ss, const char *path);
void sessions_fini(struct sessions *ss, const char *path);
/* Before everything is given back: no process becomes known any more. */
void sessions_give_up_joins(struct sessions *ss);
/* Fills pollfd entries; their number, at most SESSIONS_MAX + 1. */
uint32_t sessions_poll(const struct sessions *ss, struct pollfd *pfd);
/* Ends it; what it had under way is given up. */
void session_close(struct session *s);
/* Sends the answer, which closes the session if the peer does not take it. */
void session_answer(struct session *s, struct upager_reply *reply, int err);
/* Handles what is readable and answers what is over. */
void sessions_handle(struct sessions *ss, struct house *h);

#endif
