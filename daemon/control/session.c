// SPDX-License-Identifier: GPL-2.0-only
#include "control/session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/interrupt.h"
#include "control/proto.h"

void session_close(struct session *s)
{
	interrupt_close(s->fd);
	s->fd = -1;
}

bool session_peer_gone(const struct session *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = 0 };

	return poll(&pfd, 1, 0) == 1 && pfd.revents & (POLLHUP | POLLERR);
}

void session_answer(struct session *s, struct upager_reply *reply, int err)
{
	reply->error = err;
	if (err) {
		reply->exit_code = err == -EOPNOTSUPP ? UPAGER_EXIT_KERNEL : UPAGER_EXIT_FAILED;
		if (!reply->text[0])
			proto_text(reply, "%s", strerror(-err));
	}
	if (proto_send(s->fd, reply, sizeof(*reply), -1))
		session_close(s); /* the peer is gone or does not read */
}
