// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/proto.h"

const char *upager_socket_path(void)
{
	const char *path = secure_getenv("UPAGER_SOCKET");

	return path && *path ? path : UPAGER_DEFAULT_SOCKET;
}

/* As long as a restart of the daemon may take. */
#define DOWN_MS	 1000
#define AGAIN_MS 50

/* Who listens there. */
static int open_daemon(int fd)
{
	socklen_t len = sizeof(struct ucred);
	struct ucred cred;

	int pidfd;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) || cred.pid <= 0)
		return CLIENT_UNSEEN;
	pidfd = (int)syscall(SYS_pidfd_open, cred.pid, 0);
	if (pidfd >= 0)
		return pidfd;
	return errno == ESRCH ? CLIENT_DEAD : CLIENT_UNSEEN;
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	memcpy(addr.sun_path, path, strlen(path));
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		if (errno == EINTR)
			continue;
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static bool is_alive(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	return pidfd >= 0 && !poll(&pfd, 1, 0);
}

/* Another one may serve by now who is queued here. */
static bool has_successor(struct upager *u)
{
	int fd = connect_to(u->path), pidfd;

	if (fd < 0)
		return false;
	pidfd = open_daemon(fd);
	close(fd);
	if (!is_alive(pidfd)) {
		if (pidfd >= 0)
			close(pidfd);
		return false;
	}
	if (u->daemon_pidfd >= 0)
		close(u->daemon_pidfd);
	u->daemon_pidfd = pidfd;
	return true;
}

/* 0: something is there, or a successor is. */
static int wait_for_successor(struct upager *u)
{
	struct pollfd pfd = { .fd = u->fd, .events = POLLIN };

	for (int left = DOWN_MS; left > 0; left -= AGAIN_MS)
		if (poll(&pfd, 1, AGAIN_MS) > 0 || has_successor(u))
			return 0;
	return -EHOSTDOWN;
}

int client_wait(struct upager *u)
{
	struct pollfd pfd[2] = { { .fd = u->fd, .events = POLLIN } };
	int err = 0;

	while (!err && !(pfd[0].revents)) {
		pfd[1] = (struct pollfd){ .fd = u->daemon_pidfd, .events = POLLIN };
		int n = poll(pfd, 2, u->daemon_pidfd == CLIENT_DEAD ? 0 : u->wait_ms);

		if (!n && u->daemon_pidfd != CLIENT_DEAD)
			err = -ETIMEDOUT;
		else if (n >= 0 && !pfd[0].revents)
			err = wait_for_successor(u);
	}
	return err;
}

int upager_open(const char *socket_path, struct upager **up)
{
	struct upager *u;
	int err;

	*up = NULL;
	if (!socket_path)
		socket_path = upager_socket_path();
	if (strlen(socket_path) >= sizeof(u->path))
		return -ENAMETOOLONG;

	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	memcpy(u->path, socket_path, strlen(socket_path));
	proto_init_reply(&u->reply);
	u->pid = getpid();
	u->wait_ms = -1;
	u->fd = connect_to(u->path);
	if (u->fd < 0) {
		err = u->fd;
		free(u);
		return err;
	}
	u->daemon_pidfd = open_daemon(u->fd);
	*up = u;
	return 0;
}

void upager_close(struct upager *u)
{
	if (!u)
		return;
	if (u->fd >= 0)
		close(u->fd);
	if (u->daemon_pidfd >= 0)
		close(u->daemon_pidfd);
	free(u);
}

int client_fail(struct upager *u, int err, const char *text)
{
	proto_init_reply(&u->reply);
	u->reply.error = err;
	u->reply.exit_code = UPAGER_EXIT_FAILED;
	proto_text(&u->reply, "%s", text);
	return err;
}

int client_fail_connection(struct upager *u, int err)
{
	const char *text;

	close(u->fd);
	u->fd = -1;
	switch (err) {
	case 0:
	case -EPIPE:
	case -ECONNRESET:
		err = err ? err : -EPIPE;
		text = "upagerd closed the connection; its log says why";
		break;
	case -EHOSTDOWN:
		text = "upagerd has died: paged programs wait until it is started again, with the "
		       "same --swap and --state";
		break;
	case -EMSGSIZE:
	case -EBADMSG:
	case -EPROTONOSUPPORT:
		err = -EPROTO;
		text = "the answer of upagerd makes no sense; install the same version of both";
		break;
	default:
		return client_fail(u, err, strerror(-err));
	}
	return client_fail(u, err, text);
}

/* Who is refused is told so at once: what it asked then is never read. */
static int take_answer(struct upager *u)
{
	int n = proto_recv_answer(u->fd, &u->reply, sizeof(u->reply));

	return n == -ECONNRESET ? proto_recv_answer(u->fd, &u->reply, sizeof(u->reply)) : n;
}

int client_ask(struct upager *u, const struct upager_request *req, int pass_fd,
	       uint32_t max_records)
{
	int err;

	if (u->fd < 0)
		return client_fail(u, -ENOTCONN,
				   "the connection to upagerd is broken; open another");
	err = proto_send(u->fd, req, sizeof(*req), pass_fd);
	if (!err)
		err = client_wait(u);
	if (err && err != -EPIPE)
		return client_fail_connection(u, err);
	err = take_answer(u);
	if (err <= 0)
		return client_fail_connection(u, err);
	err = proto_check_reply(&u->reply, (size_t)err);
	if (!err && u->reply.nr_records > max_records)
		err = -EBADMSG;
	return err ? client_fail_connection(u, err) : u->reply.error;
}

const struct upager_reply *upager_last_reply(const struct upager *u)
{
	return &u->reply;
}
