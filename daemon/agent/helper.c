// SPDX-License-Identifier: GPL-2.0-only
/*
 * The helper process.  It may be killed at any instant: targets are let go by
 * the kernel, and run on unharmed (see guard.h).
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/attach.h"
#include "agent/cause.h"
#include "agent/channel.h"
#include "agent/realtime.h"
#include "agent/inject.h"
#include "agent/remote.h"
#include "agent/remove.h"
#include "agent/stop.h"
#include "base/hook.h"

/* For tests: "a12" kills the helper of an attach before its 12th operation on the target. */
#define KILL_AT_ENV "UPAGER_INJECT_KILL_AT"

static long kill_at(enum channel_op op)
{
	const char *env = hook_env(KILL_AT_ENV);

	return env && env[0] == "ars"[op] ? strtol(env + 1, NULL, 10) : 0;
}

/* One helper's stops, and how long it waits for the next one. */
#define STOPS_MAX 64
#define IDLE_MS	  2000

/* Waits for what the daemon says; -EPIPE if it never comes, -ETIME if it does not in time. */
static int wait_for(int daemon_pidfd, void *msg, size_t bytes, int timeout_ms)
{
	struct pollfd pfd[] = {
		{ .fd = CHANNEL_FD, .events = POLLIN },
		{ .fd = daemon_pidfd, .events = POLLIN },
	};
	int fd[CHANNEL_FDS_MAX];
	int n;

	while ((n = poll(pfd, 2, timeout_ms)) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (!n)
		return -ETIME;
	if (pfd[1].revents)
		return -EPIPE;
	return channel_recv(CHANNEL_FD, msg, bytes, fd);
}

static int wait_word(int daemon_pidfd)
{
	char word;

	return wait_for(daemon_pidfd, &word, sizeof(word), -1);
}

static int serve_attach(const struct channel_request *req, const int *fd, int daemon_pidfd,
			struct channel_reply *reply)
{
	struct attach at = {
		.pid = req->pid,
		.owner = req->owner,
		.any = req->any,
		.uffd_features = req->uffd_features,
		.provision = {
			.unprivileged = req->unprivileged,
			.uffd_given = req->has_uffd,
			.fd = { [PASSED_CTL] = fd[0], [PASSED_POOL] = fd[1],
				[PASSED_EVENT] = fd[2], [PASSED_DEVICE] = fd[3] },
		},
	};
	int err = attach_begin(&at, reply->cause);

	reply->err = err;
	if (err)
		return channel_send(CHANNEL_FD, reply, sizeof(*reply), NULL, 0);
	reply->agent_pid = at.agent.tid;
	reply->place = at.provision.place;
	reply->stopped_ns = at.stopped_ns;
	err = channel_send(CHANNEL_FD, reply, sizeof(*reply), (int[]){ at.uffd, at.agent_pidfd },
			   2);
	if (!err)
		err = wait_word(daemon_pidfd);
	if (err)
		attach_abort(&at);
	else
		err = attach_commit(&at);
	return err;
}

static int serve_stop(const struct channel_request *req, int daemon_pidfd, bool may_stay,
		      struct channel_reply *reply)
{
	struct stop st;

	reply->err = stop_begin(&st, req->pid, req->agent_pid, reply->cause);
	if (!reply->err) {
		if (!channel_send(CHANNEL_FD, reply, sizeof(*reply), NULL, 0))
			wait_word(daemon_pidfd);
	}
	/* Nothing more is said before all run again. */
	reply->stays = stop_end(&st) && may_stay;
	return channel_send(CHANNEL_FD, reply, sizeof(*reply), NULL, 0);
}

/* A program that is stopped for its evictions is so again soon, and to start takes longer than that. */
static int serve_stops(struct channel_request *req, int daemon_pidfd)
{
	struct channel_reply reply;
	int err;

	for (int n = 0; n < STOPS_MAX; n++) {
		reply = (struct channel_reply){ 0 };
		err = serve_stop(req, daemon_pidfd, n + 1 < STOPS_MAX && !kill_at(req->op), &reply);
		if (err || !reply.stays)
			return err;
		remote_rest();
		err = wait_for(daemon_pidfd, req, sizeof(*req), IDLE_MS);
		if (err)
			return 0;
		err = remote_init(kill_at(req->op));
		if (err)
			return err;
	}
	return 0;
}

int inject_main(int argc, char **argv)
{
	struct channel_request req;
	struct channel_reply reply = { 0 };
	int fd[CHANNEL_FDS_MAX];
	struct realtime unused;
	int daemon_pidfd;
	int err;

	(void)argc;
	(void)argv;
	if (close_range(CHANNEL_FD + 1, UINT32_MAX, 0))
		return EXIT_FAILURE;
	err = channel_recv(CHANNEL_FD, &req, sizeof(req), fd);
	if (!err)
		err = remote_init(kill_at(req.op));
	if (err)
		return EXIT_FAILURE;
	/* If the daemon is gone already, its number may be somebody else's. */
	daemon_pidfd = (int)syscall(SYS_pidfd_open, req.daemon_pid, 0);
	if (daemon_pidfd < 0 || getppid() != req.daemon_pid)
		return EXIT_FAILURE;
	realtime_begin(0, &unused);
	switch (req.op) {
	case CHANNEL_ATTACH:
		err = serve_attach(&req, fd, daemon_pidfd, &reply);
		break;
	case CHANNEL_REMOVE:
		reply.err = remove_agent(req.pid, req.agent_pid, fd[0], &req.place, reply.cause);
		err = channel_send(CHANNEL_FD, &reply, sizeof(reply), NULL, 0);
		break;
	default:
		err = serve_stops(&req, daemon_pidfd);
	}
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
