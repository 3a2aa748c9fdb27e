/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CHANNEL_H
#define UPAGER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/inject.h"

/*
 * Between the daemon and its helper: a pair of SOCK_SEQPACKET sockets, the
 * helper's end of which is descriptor CHANNEL_FD.
 *
 *   attach   request -> reply -> taken; without the last the agent is ended
 *   remove   request -> reply
 *   stop     request -> reply -> resume -> reply; so does the end of the channel
 *
 * The end of the daemon counts as the end of the channel, which a keeper that
 * shares the daemon's descriptors would hold open.
 */
#define CHANNEL_FD 3

enum channel_op {
	CHANNEL_ATTACH, /* with the control page's, the pool's and the event's descriptor */
	CHANNEL_REMOVE, /* with the agent's pidfd, if it has one */
	CHANNEL_STOP,
};

struct channel_request {
	enum channel_op op;
	pid_t daemon_pid;
	pid_t pid;
	pid_t agent_pid;
	uid_t owner; /* ATTACH */
	bool unprivileged;
	bool any; /* ATTACH: stop a thread also where it notices */
	bool has_uffd; /* ATTACH: one more descriptor, the userfaultfd that there is */
	uint64_t uffd_features;
	struct inject_place place;
};

/* After an attach with the userfaultfd and the agent's pidfd. */
struct channel_reply {
	int err;
	bool stays; /* STOP: all run, and the helper waits for another request */
	pid_t agent_pid;
	struct inject_place place;
	uint64_t stopped_ns;
	char cause[INJECT_CAUSE_BYTES];
};

#define CHANNEL_FDS_MAX 4

int channel_send(int channel, const void *msg, size_t bytes, const int *fd, size_t nr_fds);
/*
 * -EPIPE: the other end is closed.  -EMFILE: there was no room for all descriptors,
 * so there are none.  They come close-on-exec; @fd has
 * room for CHANNEL_FDS_MAX and is filled with -1 where none came.
 */
int channel_recv(int channel, void *msg, size_t bytes, int *fd);

#endif
