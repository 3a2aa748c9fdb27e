/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_HOSTILE_USER_H
#define UPAGER_SELFTESTS_HOSTILE_USER_H

#include <sys/socket.h>
#include <sys/un.h>

#include "control/proto.h"
#include "selftests/hostile/victim.h"

/* A user's process that speaks to the daemon as it likes. */

static struct pager *user_pager;

static inline int user_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, user_pager->socket);
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -1 : fd;
}

static inline bool user_send(int fd, enum upager_op op, pid_t pid)
{
	struct upager_request req;

	proto_init_request(&req, op, pid);
	req.budget_bytes = op == UPAGER_OP_ATTACH ? TARGET_BUDGET : 0;
	return !proto_send(fd, &req, sizeof(req), -1);
}

/* Its error; -EPIPE if there is none. */
static inline int user_answer(int fd)
{
	struct upager_reply reply;

	if (proto_recv(fd, &reply, sizeof(reply), NULL) != (int)sizeof(reply))
		return -EPIPE;
	return reply.error;
}

/* Root is answered within seconds, whatever a user does. */
static inline bool root_is_answered(struct pager *pg)
{
	uint64_t begin_ns = now_ns();
	struct upager *u = NULL;
	bool answered = false;
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		_exit(upager_open(pg->socket, &u) || upager_ping(u, NULL));
	}
	answered = wait_until(8, waitpid(child, &(int){ 0 }, WNOHANG) == child);
	if (!answered) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	fprintf(stderr, "# root was answered after %llu us\n",
		(unsigned long long)(now_ns() - begin_ns) / 1000);
	return answered;
}

#endif
