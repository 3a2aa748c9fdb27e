// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/proto.h"

const char *upager_socket_path(void)
{
	const char *path = secure_getenv("UPAGER_SOCKET");

	return path && *path ? path : UPAGER_DEFAULT_SOCKET;
}

int upager_open(const char *socket_path, struct upager **up)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct upager *u;
	int err;

	*up = NULL;
	if (!socket_path)
		socket_path = upager_socket_path();
	if (strlen(socket_path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, socket_path, strlen(socket_path));

	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	proto_init_reply(&u->reply);
	u->pid = getpid();
	u->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (u->fd < 0) {
		err = -errno;
		goto undo_alloc;
	}
	while (connect(u->fd, (struct sockaddr *)&addr, sizeof(addr))) {
		if (errno == EINTR)
			continue;
		err = -errno;
		goto undo_socket;
	}
	*up = u;
	return 0;

undo_socket:
	close(u->fd);
undo_alloc:
	free(u);
	return err;
}

void upager_close(struct upager *u)
{
	if (!u)
		return;
	if (u->fd >= 0)
		close(u->fd);
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

int client_ask(struct upager *u, const struct upager_request *req, int pass_fd,
	       uint32_t max_records)
{
	int err;

	if (u->fd < 0)
		return client_fail(u, -ENOTCONN,
				   "the connection to upagerd is broken; open another");
	err = proto_send(u->fd, req, sizeof(*req), pass_fd);
	if (err)
		return client_fail_connection(u, err);
	err = proto_recv(u->fd, &u->reply, sizeof(u->reply), NULL);
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
