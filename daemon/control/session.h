/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SESSION_H
#define UPAGER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "control/self.h"
#include "life/housekeeping.h"

/* What a peer waits for that is paged by itself. */
enum session_step {
	STEP_NONE,
	STEP_ATTACH, /* until its user may have a process attached: of any process */
	STEP_AGAIN, /* until the request can be served */
	STEP_READY, /* for the agent's first sign of life */
	STEP_PIN, /* for the worker, to fetch */
	STEP_FETCH, /* the same, to unregister then */
	STEP_FORGET, /* for the worker, to forget */
	STEP_WHERE, /* for the worker, to count: of any process */
};

/* One connection of the control socket. */
struct session {
	int fd; /* -1: free, or closed and not yet buried */
	uid_t uid; /* of the peer */
	uint64_t features; /* that it said it knows, of ours; 0: it did not say */
	_Atomic uint32_t going; /* threads that close what it sent */
	uint64_t clogged_ns; /* since when it takes no answers; 0: it does */
	pid_t waits_for; /* process of a DETACH or POPULATE that is under way; 0 none */
	bool detach;
	struct self_peer peer;
	struct housekeeping *housekeeping;
	struct self_join *join; /* under way, NULL none */
	enum session_step step; /* of what the peer asked for itself, or WHERE */
	uint64_t ticket; /* WHERE: of the look that is this session's */
	struct upager_request asked; /* that */
	int target; /* ATTACH: pidfd of the process; -1 none */
};

/* Ends the connection; dispatch gives up what it had under way. */
void session_close(struct session *s);
/* It has closed its end, and waits for no answer. */
bool session_peer_gone(const struct session *s);
/* Sends the answer, which closes the session if the peer does not take it. */
void session_answer(struct session *s, struct upager_reply *reply, int err);

#endif
