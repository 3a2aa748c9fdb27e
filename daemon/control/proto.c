// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control/proto.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ERRNO_MAX	    4095
#define PROVISION_BYTES_MAX (1ULL << 32)

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

/* What an operation has besides its number. */
struct shape {
	uint32_t flags; /* that it knows */
	bool pid; /* must be one */
	bool any_pid; /* or 0 */
	bool budget;
	bool weight;
	bool addr;
	bool bytes; /* besides addr: a range */
	uint64_t arg_max;
};

static const struct shape shapes[UPAGER_OP_MAX + 1] = {
	[UPAGER_OP_ATTACH] = { .flags = UPAGER_ATTACH_WATCH | UPAGER_ATTACH_FAMILY |
					UPAGER_ATTACH_NOW,
			       .pid = true,
			       .budget = true,
			       .weight = true },
	[UPAGER_OP_DETACH] = { .pid = true },
	[UPAGER_OP_BUDGET] = { .pid = true, .budget = true, .weight = true },
	[UPAGER_OP_POPULATE] = { .pid = true },
	[UPAGER_OP_STATUS] = { .any_pid = true, .arg_max = UINT32_MAX },
	[UPAGER_OP_STALL] = { .any_pid = true, .arg_max = UINT32_MAX },
	[UPAGER_OP_DOMAINS] = { 0 },
	[UPAGER_OP_HELLO] = { .arg_max = UINT64_MAX },
	[UPAGER_OP_JOIN] = { .budget = true },
	[UPAGER_OP_PROVISIONED] = { .addr = true, .arg_max = INT64_MAX },
	[UPAGER_OP_REGISTER] = { .addr = true, .bytes = true },
	[UPAGER_OP_UNREGISTER] = { .addr = true, .bytes = true },
	[UPAGER_OP_SWAPON] = { .arg_max = 2ULL * UPAGER_PRIORITY_BIAS },
	[UPAGER_OP_WHERE] = { .pid = true,
			      .addr = true,
			      .bytes = true,
			      .arg_max = UPAGER_WHERE_PARTS },
	[UPAGER_OP_ADVISE] = { .addr = true, .bytes = true, .arg_max = UPAGER_ADVICE_MAX },
};

#define PAGE_BITS 4095
/* Above all that a program can have. */
#define USER_END  (1ULL << 57)

static bool range_ok(const struct shape *is, const struct upager_request *req)
{
	if ((req->addr | req->bytes) & PAGE_BITS || req->addr > USER_END || req->bytes > USER_END)
		return false;
	return (is->addr || !req->addr) && is->bytes == (req->bytes != 0) &&
	       req->addr + req->bytes <= USER_END;
}

bool proto_names_process(enum upager_op op)
{
	return shapes[op].pid;
}

static int check_request(const struct upager_request *req)
{
	const struct shape *is;
	bool pid_ok;

	if (req->op == UPAGER_OP_UNSPEC || req->op > UPAGER_OP_MAX)
		return -EOPNOTSUPP;
	is = &shapes[req->op];
	pid_ok = is->pid ? req->pid > 0 : is->any_pid ? req->pid >= 0 : req->pid == 0;
	if (!pid_ok || (req->flags & ~is->flags) || (!is->budget && req->budget_bytes) ||
	    (!is->weight && req->weight) || req->weight > UPAGER_WEIGHT_MAX || req->reserved32 ||
	    !range_ok(is, req) || req->arg > is->arg_max)
		return -EINVAL;
	return 0;
}

int proto_take_request(struct upager_request *req, const void *packet, size_t len)
{
	const char *bytes = packet;
	int err;

	memset(req, 0, sizeof(*req));
	if (len < UPAGER_REQUEST_BYTES_MIN)
		return -EMSGSIZE;
	memcpy(req, packet, len < sizeof(*req) ? len : sizeof(*req));
	err = check_head(req->magic, req->version);
	for (size_t i = sizeof(*req); i < len && !err; i++)
		if (bytes[i])
			err = -E2BIG;
	return err ? err : check_request(req);
}

int proto_check_reply(const struct upager_reply *reply, size_t len)
{
	int err;

	if (len < sizeof(*reply))
		return -EMSGSIZE;
	err = check_head(reply->magic, reply->version);
	if (err)
		return err;
	if (reply->error > 0 || reply->error < -ERRNO_MAX ||
	    !terminated(reply->text, sizeof(reply->text)))
		return -EBADMSG;
	return 0;
}

int proto_check_record(const struct upager_record *record, size_t len)
{
	if (len < sizeof(*record))
		return -EMSGSIZE;
	if (!terminated(record->comm, sizeof(record->comm)) ||
	    !terminated(record->text, sizeof(record->text)))
		return -EBADMSG;
	return 0;
}

int proto_check_where(const struct upager_where *w, size_t len)
{
	if (len < sizeof(*w))
		return -EMSGSIZE;
	if ((w->addr | w->bytes) & PAGE_BITS || w->addr > USER_END || !w->bytes ||
	    w->bytes > USER_END || !w->nr_parts || w->nr_parts > UPAGER_WHERE_PARTS)
		return -EBADMSG;
	for (uint32_t i = 0; i < UPAGER_WHERE_PARTS; i++) {
		const struct upager_where_part *part = &w->part[i];
		uint64_t pages =
			(uint64_t)part->standby_pages + part->swapped_pages + part->lost_pages;
		uint64_t room = i < w->nr_parts
					? upager_where_first(w, i + 1) - upager_where_first(w, i)
					: 0;

		if (pages > room)
			return -EBADMSG;
	}
	return 0;
}

int proto_check_stall(const struct upager_stall *stall, size_t len)
{
	if (len < sizeof(*stall))
		return -EMSGSIZE;
	if (stall->pid < 0 || stall->some_avg10 > UPAGER_STALL_WHOLE ||
	    stall->some_avg60 > UPAGER_STALL_WHOLE || stall->some_avg300 > UPAGER_STALL_WHOLE ||
	    stall->full_avg10 > UPAGER_STALL_WHOLE || stall->full_avg60 > UPAGER_STALL_WHOLE ||
	    stall->full_avg300 > UPAGER_STALL_WHOLE)
		return -EBADMSG;
	return 0;
}

int proto_check_provision(const struct upager_provision *o, size_t len)
{
	/* From the first to the last, without overlap. */
	const uint64_t part[] = { 0,	    o->ctl_bytes,   o->code,	o->code_bytes,
				  o->stack, o->stack_bytes, o->staging, o->staging_bytes };
	uint64_t end = 0;

	if (len != sizeof(*o))
		return -EMSGSIZE;
	if ((o->flags & ~UPAGER_PROVISION_HAS_UFFD) || o->reserved32 ||
	    !all_zero(o->reserved, sizeof(o->reserved) / sizeof(o->reserved[0])) ||
	    (o->hint | o->bytes) & PAGE_BITS || o->hint > USER_END ||
	    o->bytes > PROVISION_BYTES_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i += 2) {
		if ((part[i] | part[i + 1]) & PAGE_BITS || !part[i + 1] || part[i] < end ||
		    part[i] > o->bytes || part[i + 1] > o->bytes - part[i])
			return -EBADMSG;
		end = part[i] + part[i + 1];
	}
	if (o->entry < o->code || o->entry - o->code >= o->code_bytes || o->start >= o->ctl_bytes)
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

int proto_send_fds(int fd, const void *packet, size_t len, const int *pass_fd, uint32_t nr_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(PROTO_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)packet, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (nr_fds > PROTO_FDS_MAX)
		return -EINVAL;
	if (nr_fds) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), pass_fd, nr_fds * sizeof(int));
	}
	do
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == len ? 0 : -EMSGSIZE;
}

int proto_send(int fd, const void *packet, size_t len, int pass_fd)
{
	return proto_send_fds(fd, packet, len, &pass_fd, pass_fd >= 0);
}

/* Gives the first descriptors, closes all others; returns how many there were. */
static uint32_t take_fds(struct msghdr *msg, int *got_fd, uint32_t max_fds)
{
	uint32_t nr = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int), nr++) {
			int got;

			memcpy(&got, CMSG_DATA(c) + at, sizeof(got));
			if (nr < max_fds)
				got_fd[nr] = got;
			else
				close(got);
		}
	}
	return nr;
}

int proto_recv_fds(int fd, void *packet, size_t size, int *got_fd, uint32_t max_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(PROTO_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = packet, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		/* Not CMSG_SPACE: its padding may have room for one more. */
		.msg_controllen = max_fds ? CMSG_LEN(max_fds * sizeof(int)) : 0,
	};
	uint32_t nr;
	int err = 0;
	ssize_t len;

	if (max_fds > PROTO_FDS_MAX)
		return -EINVAL;
	memset(got_fd, -1, max_fds * sizeof(int));
	do
		len = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;

	nr = take_fds(&msg, got_fd, max_fds);
	if (msg.msg_flags & MSG_TRUNC)
		err = -EMSGSIZE;
	else if (nr > max_fds || (msg.msg_flags & MSG_CTRUNC))
		err = -EBADMSG;
	return err ? err : (int)len;
}

int proto_recv(int fd, void *packet, size_t size, int *got_fd)
{
	int got = -1;
	int len = proto_recv_fds(fd, packet, size, &got, 1);

	if (got >= 0 && (len < 0 || !got_fd)) {
		close(got);
		got = -1;
	}
	if (got_fd)
		*got_fd = got;
	return len;
}

int proto_recv_answer(int fd, void *packet, size_t size)
{
	int len = proto_recv(fd, packet, size, NULL);

	/* The beginning is there. */
	return len == -EMSGSIZE ? (int)size : len;
}
