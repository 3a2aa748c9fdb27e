// SPDX-License-Identifier: GPL-2.0-only
#include "agent/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
};

int channel_send(int channel, const void *msg, size_t bytes, const int *fd, size_t nr_fds)
{
	union control control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)msg, bytes };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (nr_fds) {
		struct cmsghdr *cmsg;

		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fd, nr_fds * sizeof(int));
	}
	do {
		n = sendmsg(channel, &hdr, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int channel_recv(int channel, void *msg, size_t bytes, int *fd)
{
	union control control;
	struct iovec iov = { msg, bytes };
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t n;

	memset(fd, -1, CHANNEL_FDS_MAX * sizeof(int));
	do {
		n = recvmsg(channel, &hdr, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&hdr);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(cmsg), cmsg->cmsg_len - CMSG_LEN(0));
	if (hdr.msg_flags & MSG_CTRUNC) {
		for (int i = 0; i < CHANNEL_FDS_MAX && fd[i] >= 0; i++)
			close(fd[i]);
		memset(fd, -1, CHANNEL_FDS_MAX * sizeof(int));
		return -EMFILE;
	}
	if (n == 0)
		return -EPIPE;
	return (size_t)n == bytes ? 0 : -EPROTO;
}
