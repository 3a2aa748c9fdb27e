// SPDX-License-Identifier: GPL-2.0-only
#include "agent/pass.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/call.h"
#include "agent/cause.h"

/* What recvmsg() in the target works with, at @scratch. */
struct message {
	struct msghdr hdr;
	struct iovec iov;
	char byte[8];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(PASS_FDS_MAX * sizeof(int))];
};

static int send_fds(int sock, const int *fd, size_t nr)
{
	struct message m = { .byte = "f" };
	struct cmsghdr *cmsg;

	m.iov = (struct iovec){ m.byte, 1 };
	m.hdr = (struct msghdr){
		.msg_iov = &m.iov,
		.msg_iovlen = 1,
		.msg_control = m.control,
		.msg_controllen = CMSG_SPACE(nr * sizeof(int)),
	};
	cmsg = CMSG_FIRSTHDR(&m.hdr);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fd, nr * sizeof(int));
	return sendmsg(sock, &m.hdr, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static int receive_fds(struct remote *r, uint64_t scratch, int sock_inside, int *inside, size_t nr,
		       char *cause)
{
	struct message m = {
		.hdr = {
			.msg_iov = (void *)(uintptr_t)(scratch + offsetof(struct message, iov)),
			.msg_iovlen = 1,
			.msg_control = (void *)(uintptr_t)(scratch + offsetof(struct message, control)),
			.msg_controllen = sizeof(m.control),
		},
		.iov = { (void *)(uintptr_t)(scratch + offsetof(struct message, byte)), 1 },
	};
	struct cmsghdr *cmsg = (struct cmsghdr *)m.control;
	int64_t ret;
	int err;

	err = remote_write(r->tid, scratch, &m, sizeof(m));
	if (!err)
		err = CALL_MUST(r, &ret, cause, recvmsg, (uint64_t)sock_inside, scratch,
				MSG_CMSG_CLOEXEC);
	if (!err)
		err = remote_read(r->tid, scratch, &m, sizeof(m));
	if (err)
		return err;
	if (cmsg->cmsg_len != CMSG_LEN(nr * sizeof(int)))
		return cause_set(cause, -EMFILE,
				 "the target may not have %zu more descriptors; raise its limit",
				 nr);
	memcpy(inside, CMSG_DATA(cmsg), nr * sizeof(int));
	return 0;
}

int pass_fds(struct remote *r, int pidfd, uint64_t scratch, const int *fd, int *inside, size_t nr,
	     char *cause)
{
	int pair[2];
	int64_t ret;
	int sock;
	int err;

	err = CALL_MUST(r, &ret, cause, socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			scratch);
	if (!err)
		err = remote_read(r->tid, scratch, pair, sizeof(pair));
	if (err)
		return err;
	sock = (int)syscall(SYS_pidfd_getfd, pidfd, pair[0], 0);
	if (sock < 0)
		return cause_set(cause, -errno, "pidfd_getfd: %s", strerror(errno));
	err = send_fds(sock, fd, nr);
	close(sock);
	if (err)
		return cause_set(cause, err, "descriptors cannot be passed in: %s", strerror(-err));
	return receive_fds(r, scratch, pair[1], inside, nr, cause);
}
