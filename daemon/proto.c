// SPDX-License-Identifier: LGPL-2.1-or-later
#include "proto.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ERRNO_MAX 4095

void proto_init_request(struct upager_request *req, enum upager_op op, int32_t pid)
{
	memset(req, 0, sizeof(*req));
	req->magic = UPAGER_PROTO_MAGIC;
	req->version = UPAGER_PROTO_VERSION;
	req->op = (uint16_t)op;
	req->pid = pid;
}

void proto_init_reply(struct upager_reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	reply->magic = UPAGER_PROTO_MAGIC;
	reply->version = UPAGER_PROTO_VERSION;
}

static bool all_zero(const __u64 *word, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (word[i])
			return false;
	return true;
}

static bool terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int check_head(uint32_t magic, uint16_t version)
{
	if (magic != UPAGER_PROTO_MAGIC)
		return -EBADMSG;
	return version == UPAGER_PROTO_VERSION ? 0 : -EPROTONOSUPPORT;
}

int proto_check_request(const struct upager_request *req, size_t len)
{
	uint32_t flags = 0;
	bool budget = false; /* and weight */
	bool pid_ok;
	int err;

	if (len != sizeof(*req))
		return -EMSGSIZE;
	err = check_head(req->magic, req->version);
	if (err)
		return err;

	pid_ok = req->pid > 0;
	switch (req->op) {
	case UPAGER_OP_ATTACH:
		flags = UPAGER_ATTACH_WATCH | UPAGER_ATTACH_FAMILY;
		budget = true;
		break;
	case UPAGER_OP_BUDGET:
		budget = true;
		break;
	case UPAGER_OP_DETACH:
	case UPAGER_OP_POPULATE:
		break;
	case UPAGER_OP_STATUS:
		pid_ok = req->pid >= 0;
		break;
	case UPAGER_OP_PING:
		pid_ok = req->pid == 0;
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!pid_ok || (req->flags & ~flags) || (!budget && (req->budget_bytes || req->weight)) ||
	    req->weight > UPAGER_WEIGHT_MAX || req->reserved32 ||
	    !all_zero(req->reserved, sizeof(req->reserved) / sizeof(req->reserved[0])))
		return -EINVAL;
	return 0;
}

int proto_check_reply(const struct upager_reply *reply, size_t len)
{
	int err;

	if (len != sizeof(*reply))
		return -EMSGSIZE;
	err = check_head(reply->magic, reply->version);
	if (err)
		return err;
	if (reply->exit_code > UPAGER_EXIT_KERNEL || reply->error > 0 ||
	    reply->error < -ERRNO_MAX || !terminated(reply->text, sizeof(reply->text)) ||
	    !all_zero(reply->reserved, sizeof(reply->reserved) / sizeof(reply->reserved[0])))
		return -EBADMSG;
	return 0;
}

int proto_check_record(const struct upager_record *record, size_t len)
{
	if (len != sizeof(*record))
		return -EMSGSIZE;
	if (record->state > UPAGER_PROC_REFUSED || record->reserved32 ||
	    !terminated(record->comm, sizeof(record->comm)) ||
	    !terminated(record->text, sizeof(record->text)) ||
	    !all_zero(record->reserved, sizeof(record->reserved) / sizeof(record->reserved[0])))
		return -EBADMSG;
	return 0;
}

void proto_text(struct upager_reply *reply, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reply->text, sizeof(reply->text), fmt, ap);
	va_end(ap);
}

int proto_send(int fd, const void *packet, size_t len, int pass_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)packet, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (pass_fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &pass_fd, sizeof(int));
	}
	do
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == len ? 0 : -EMSGSIZE;
}

/* Gives the first descriptor, closes all others; returns how many there were. */
static int take_fds(struct msghdr *msg, int *first)
{
	int nr = 0;

	*first = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int got;

			memcpy(&got, CMSG_DATA(c) + at, sizeof(got));
			if (nr++)
				close(got);
			else
				*first = got;
		}
	}
	return nr;
}

int proto_recv(int fd, void *packet, size_t size, int *got_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))]; /* padding has room for a second one */
	} control;
	struct iovec iov = { .iov_base = packet, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	int first, nr, err = 0;
	ssize_t len;

	if (got_fd)
		*got_fd = -1;
	do
		len = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;

	nr = take_fds(&msg, &first);
	if (msg.msg_flags & MSG_TRUNC)
		err = -EMSGSIZE;
	else if (nr > 1 || (msg.msg_flags & MSG_CTRUNC))
		err = -EBADMSG;
	if (first >= 0 && (err || !got_fd))
		close(first);
	else if (got_fd)
		*got_fd = first;
	return err ? err : (int)len;
}
