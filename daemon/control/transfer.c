// SPDX-License-Identifier: GPL-2.0-only
#include "control/transfer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/proto.h"
#include "domain/handover.h"
#include "kernel/owner.h"

/* One that answers for all that is nobody's. */
#define FIRST 0

static int hand_over(int to_fd, int fd, const struct upager_request *req, int target, bool is_final)
{
	int err;

	if (to_fd < 0)
		return to_fd;
	err = handover_send(to_fd, fd, req, target, is_final);
	close(to_fd);
	return err;
}

int transfer_to_user(struct sessions *ss, uid_t uid, int fd, const struct upager_request *req,
		     int target)
{
	return hand_over(domains_connect(ss->domains, uid), fd, req, target, true);
}

/* Without waiting: -EAGAIN. */
static int connect_first(const struct apart *apart)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	memcpy(addr.sun_path, apart->front, sizeof(apart->front));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

const char *transfer_refusal(int err)
{
	switch (err) {
	case -EUSERS:
		return "as many users as there can be have programs paged: try again when some "
		       "have "
		       "none";
	case -EAGAIN:
		return "the pager of that user is starting, or does not answer: try again later";
	default:
		return "the pager of that user cannot be reached: see the log of upagerd";
	}
}

/* Whose pager answers it. */
static uid_t answers(struct housekeeping *h, uid_t here, const struct upager_request *req)
{
	if (req->op == UPAGER_OP_HELLO)
		return here;
	if (req->op == UPAGER_OP_STATUS || req->op == UPAGER_OP_STALL)
		if (!req->pid)
			return (uid_t)req->arg;
	if (req->pid <= 0)
		return FIRST;
	return housekeeping_find(h, req->pid) ? here : owner_of(req->pid);
}

bool transfer_request(struct sessions *ss, struct session *s, struct housekeeping *h,
		      const struct upager_request *req, int target)
{
	const struct apart *apart = ss->domains->apart;
	struct upager_reply reply;
	uid_t to;
	int err;

	if (!apart->on || s->uid)
		return false;
	to = answers(h, apart->uid, req);
	if (to == apart->uid)
		return false;
	if (apart->uid)
		err = hand_over(connect_first(apart), s->fd, req, target, false);
	else
		err = transfer_to_user(ss, to, s->fd, req, target);
	if (!err) {
		session_close(s);
		return true;
	}
	proto_init_reply(&reply);
	proto_text(&reply, "%s", transfer_refusal(err));
	session_answer(s, &reply, err);
	return true;
}

void transfer_tell(const struct sessions *ss, struct session *s)
{
	const struct domains *d = ss->domains;
	uint32_t nr = s->uid || !apart_is_first(d->apart) ? 0 : d->nr;
	struct upager_reply reply;

	proto_init_reply(&reply);
	reply.nr_records = nr;
	session_answer(s, &reply, 0);
	for (uint32_t i = 0; i < nr && s->fd >= 0; i++) {
		struct upager_domain domain = { .uid = d->at[i].uid, .pid = d->at[i].pid };

		if (proto_send(s->fd, &domain, sizeof(domain), -1))
			session_close(s);
	}
}
