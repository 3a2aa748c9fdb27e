// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/connector.h"

#include <errno.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Some thousand events: forks come in bursts. */
#define BUFFER_BYTES (1 << 20)

#define REQUEST_BYTES NLMSG_LENGTH(sizeof(struct cn_msg) + sizeof(enum proc_cn_mcast_op))

static int ask(int fd, enum proc_cn_mcast_op op)
{
	union {
		struct nlmsghdr nl;
		char bytes[REQUEST_BYTES];
	} msg = { .nl = { .nlmsg_len = REQUEST_BYTES, .nlmsg_type = NLMSG_DONE } };
	struct cn_msg *cn = NLMSG_DATA(&msg.nl);

	cn->id.idx = CN_IDX_PROC;
	cn->id.val = CN_VAL_PROC;
	cn->len = sizeof(op);
	memcpy(cn->data, &op, sizeof(op));
	return send(fd, &msg, REQUEST_BYTES, 0) < 0 ? -errno : 0;
}

int connector_open(void)
{
	const struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
	int bytes = BUFFER_BYTES, err;

	if (fd < 0)
		return -errno;
	err = bind(fd, (const void *)&addr, sizeof(addr)) ? -errno : ask(fd, PROC_CN_MCAST_LISTEN);
	if (err) {
		close(fd);
		return err;
	}
	/* Beyond the limit of everybody; what does not fit is told as lost. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	return fd;
}

void connector_close(int fd)
{
	ask(fd, PROC_CN_MCAST_IGNORE);
	close(fd);
}

int connector_read(int fd, struct proc_event *event)
{
	union {
		struct nlmsghdr nl;
		char bytes[1024];
	} buf;
	const struct cn_msg *cn = NLMSG_DATA(&buf.nl);

	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec iov = { &buf, sizeof(buf) };
		struct msghdr msg = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};
		ssize_t len = recvmsg(fd, &msg, 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? 0 : -errno;
		/* Not from the kernel, or the answer to LISTEN. */
		if (from.nl_pid || (size_t)len < NLMSG_LENGTH(sizeof(*cn) + sizeof(*event)))
			continue;
		/* The kernel puts it where eight bytes are not aligned. */
		memcpy(event, cn->data, sizeof(*event));
		if (event->what != PROC_EVENT_NONE)
			return 1;
	}
}
