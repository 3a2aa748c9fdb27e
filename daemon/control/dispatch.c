// SPDX-License-Identifier: GPL-2.0-only
#include "control/dispatch.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/untrusted_fd.h"
#include "control/admission.h"
#include "control/proto.h"
#include "control/request.h"
#include "control/session_fill.h"
#include "control/session_self.h"
#include "control/session_status.h"
#include "control/swap_areas.h"
#include "control/transfer.h"
#include "domain/handover.h"
#include "kernel/owner.h"
#include "life/patience.h"
#include "control/session_where.h"

/* Who does not take its answers, or sent what cannot be closed, is not waited for. */
#define CLOGGED_NS (10 * NS_PER_S)
/* Gives up what closed sessions had under way; only then their places are free. */
static void bury_closed(struct sessions *ss)
{
	for (int i = 0; i < SESSIONS_MAX; i++) {
		struct session *s = &ss->at[i];

		if (s->fd >= 0 || !s->housekeeping)
			continue;
		session_where_drop(s);
		session_self_drop(s);
		swap_areas_drop(s);
		if (s->peer.pidfd >= 0)
			close(s->peer.pidfd);
		if (s->target >= 0)
			close(s->target);
		s->peer.pidfd = s->target = -1;
		s->waits_for = 0;
		s->housekeeping = NULL;
	}
}

void sessions_give_up_joins(struct sessions *ss)
{
	for (int i = 0; i < SESSIONS_MAX; i++)
		if (ss->at[i].fd >= 0 && ss->at[i].join)
			session_close(&ss->at[i]);
	bury_closed(ss);
}

void sessions_fini(struct sessions *ss, const char *path)
{
	for (int i = 0; i < SESSIONS_MAX; i++)
		if (ss->at[i].fd >= 0)
			session_close(&ss->at[i]);
	bury_closed(ss);
	close(ss->listen_fd);
	unlink(path);
}

static bool is_waiting(const struct session *s)
{
	return s->waits_for || s->step || s->clogged_ns;
}

bool sessions_wait(const struct sessions *ss)
{
	for (int i = 0; i < SESSIONS_MAX; i++)
		if (ss->at[i].fd >= 0 && is_waiting(&ss->at[i]))
			return true;
	return false;
}

uint32_t sessions_poll(const struct sessions *ss, struct pollfd *pfd)
{
	uint32_t n = 0;

	pfd[n++] = (struct pollfd){ .fd = ss->listen_fd, .events = POLLIN };
	for (int i = 0; i < SESSIONS_MAX; i++)
		if (ss->at[i].fd >= 0)
			pfd[n++] = (struct pollfd){ .fd = ss->at[i].fd,
						    .events = is_waiting(&ss->at[i]) ? 0 : POLLIN };
	return n;
}

static struct proc *known(struct housekeeping *h, pid_t pid, struct upager_reply *reply)
{
	struct proc *p = housekeeping_find(h, pid);

	if (!p)
		proto_text(reply, "process %d is not paged: see upager status for those that are",
			   pid);
	return p;
}

/* It may ask for itself even if it is not dumpable. */
static bool is_peer(const struct session *s, struct housekeeping *h, pid_t pid)
{
	const struct proc *p = housekeeping_find(h, pid);

	return pid == s->peer.pid && p && p->by_itself && !fd_readable(s->peer.pidfd);
}

/*
 * The process is held by @target, so whose it is now it is as long as that has
 * not ended.  What it executes later is asked about when it is stopped.
 */
static int check_target(struct session *s, struct housekeeping *h, pid_t pid, int target,
			struct upager_reply *reply)
{
	bool allowed = !s->uid || is_peer(s, h, pid) || owner_is(pid, s->uid);

	if (target < 0 || proc_of_pidfd(target) != pid) {
		proto_text(reply, "no process %d, or not the one that was meant: check the number",
			   pid);
		return -ESRCH;
	}
	/* It has ended, which housekeeping may not have seen yet: there is an answer. */
	if (fd_readable(target) && !housekeeping_find(h, pid)) {
		proto_text(reply, "process %d has ended: name a living one", pid);
		return -ESRCH;
	}
	if (allowed)
		return 0;
	proto_text(reply, "process %d is not yours (or set-uid, or not dumpable): ask root", pid);
	return -EPERM;
}

static void handle(struct session *s, struct housekeeping *h, const struct upager_request *req,
		   int target)
{
	struct upager_reply reply;
	struct proc *p;
	int err;

	proto_init_reply(&reply);
	if (proto_names_process(req->op)) {
		err = check_target(s, h, req->pid, target, &reply);
		if (err) {
			session_answer(s, &reply, err);
			return;
		}
	}
	switch (req->op) {
	case UPAGER_OP_ATTACH:
		err = request_attach(h, req, s->uid, target, reply.text);
		p = housekeeping_find(h, req->pid);
		if (!err && p)
			reply.stopped_ns = p->stopped_ns;
		session_answer(s, &reply, err);
		break;
	case UPAGER_OP_BUDGET:
		p = known(h, req->pid, &reply);
		session_answer(s, &reply, p ? request_set_budget(h, p, req, reply.text) : -ESRCH);
		break;
	case UPAGER_OP_DETACH:
	case UPAGER_OP_POPULATE:
		p = known(h, req->pid, &reply);
		if (p)
			session_fill(s, h, p, req->op == UPAGER_OP_DETACH, &reply);
		else
			session_answer(s, &reply, -ESRCH);
		break;
	case UPAGER_OP_WHERE:
		session_where(s, h, req);
		break;
	default:
		session_tell(s, h, req, &reply);
		break;
	}
}

/* More would be kept for it in kernel memory, or in threads that close. */
static bool is_clogged(struct session *s)
{
	int unread = 0;

	if (!s->going && (ioctl(s->fd, SIOCOUTQ, &unread) || !unread)) {
		s->clogged_ns = 0;
		return false;
	}
	if (!s->clogged_ns)
		s->clogged_ns = clock_ns();
	if (clock_ns() - s->clogged_ns > CLOGGED_NS)
		session_close(s);
	return true;
}

/* Unless that waits, for what its user's processes took of housekeeping's time before. */
static void attach(struct session *s, struct housekeeping *h)
{
	int target = s->target;

	if (!patience_has(h, s->uid)) {
		if (session_peer_gone(s))
			session_close(s);
		return;
	}
	s->step = STEP_NONE;
	s->target = -1;
	handle(s, h, &s->asked, target);
	close(target);
}

/* The pagers of users have the same areas open, and pages there. */
static void refuse_areas(struct session *s)
{
	struct upager_reply reply;

	proto_init_reply(&reply);
	proto_text(&reply,
		   "areas stay as they are while each user has a pager: restart upagerd with "
		   "others, or without --per-user");
	session_answer(s, &reply, -EBUSY);
}

/* One that pages is never paged; true: that was the answer. */
static bool refuse_pager(const struct sessions *ss, struct session *s, pid_t pid)
{
	struct upager_reply reply;

	if (!domains_has_process(ss->domains, pid))
		return false;
	proto_init_reply(&reply);
	proto_text(&reply, "process %d is the pager itself, which must stay resident", pid);
	session_answer(s, &reply, -EPERM);
	return true;
}

static void serve(struct sessions *ss, struct session *s, struct housekeeping *h,
		  const struct upager_request *req, int *fd)
{
	int target = *fd;

	if ((req->op == UPAGER_OP_SWAPON || req->op == UPAGER_OP_SWAPOFF) &&
	    ss->domains->apart->on) {
		refuse_areas(s);
		return;
	}
	if (req->op == UPAGER_OP_SWAPON || req->op == UPAGER_OP_SWAPOFF) {
		swap_areas_handle(s, h, req, *fd);
		return;
	}
	if (req->op == UPAGER_OP_DOMAINS) {
		transfer_tell(ss, s);
		return;
	}
	if (req->op >= UPAGER_OP_JOIN && req->op <= UPAGER_OP_ADVISE) {
		session_self_handle(s, h, req, fd);
		return;
	}
	if (req->op == UPAGER_OP_ATTACH && refuse_pager(ss, s, req->pid))
		return;
	if (target < 0)
		target = (int)syscall(SYS_pidfd_open, req->pid, 0);
	if (req->op == UPAGER_OP_ATTACH && proc_of_pidfd(target) > 0) {
		s->asked = *req;
		s->target = target;
		s->step = STEP_ATTACH;
		*fd = -1;
		attach(s, h);
		return;
	}
	handle(s, h, req, target);
	if (*fd < 0 && target >= 0)
		close(target);
}

static void refuse(struct session *s, int err)
{
	struct upager_reply reply;

	proto_init_reply(&reply);
	if (err == -E2BIG || err == -EOPNOTSUPP)
		proto_text(&reply,
			   "this upagerd does not know what is asked for: a newer one does");
	else
		proto_text(&reply,
			   "the request is malformed: upager and upagerd must be of one version");
	session_answer(s, &reply, err);
	if (s->fd >= 0 && (err == -EMSGSIZE || err == -EBADMSG || err == -EPROTONOSUPPORT))
		session_close(s);
}

/* Descriptors that there is no room for the kernel would close there and then. */
static ssize_t take(struct session *s, char packet[UPAGER_PACKET_BYTES_MAX], int fd[PROTO_FDS_MAX])
{
	struct interrupt in;
	ssize_t n;

	interrupt_begin(&in);
	n = proto_recv_fds(s->fd, packet, UPAGER_PACKET_BYTES_MAX, fd, PROTO_FDS_MAX);
	interrupt_end(&in);
	if (n > 0 && fd[1] >= 0 && (s->uid || !handover_is(packet, (size_t)n)))
		return -EBADMSG;
	return n;
}

/* Another pager's client is ours from now on. */
static void take_over(struct sessions *ss, struct housekeeping *h, const void *packet,
		      int fd[PROTO_FDS_MAX])
{
	struct upager_request req;
	struct session *s;
	struct handover ho;

	memcpy(&ho, packet, sizeof(ho));
	s = fd[0] >= 0 ? admission_take(ss, h, fd[0]) : NULL;
	fd[0] = -1;
	if (!s || !ho.has_request || proto_take_request(&req, &ho.request, sizeof(ho.request)))
		return;
	if (ho.is_final || !transfer_request(ss, s, h, &req, fd[1]))
		serve(ss, s, h, &req, &fd[1]);
}

static void receive(struct sessions *ss, struct session *s, struct housekeeping *h)
{
	char packet[UPAGER_PACKET_BYTES_MAX];
	struct upager_request req;
	int fd[PROTO_FDS_MAX], err;
	ssize_t n;

	if (!fd_readable(s->fd) || is_clogged(s))
		return;
	n = take(s, packet, fd);
	if (n == -EAGAIN)
		return;
	if (n > 0 && !s->uid && ss->domains->apart->on && handover_is(packet, (size_t)n)) {
		take_over(ss, h, packet, fd);
		untrusted_fds_close(fd, PROTO_FDS_MAX, &s->going);
		return;
	}
	err = n <= 0 ? (int)n : proto_take_request(&req, packet, (size_t)n);
	if (n > 0 && !err && transfer_request(ss, s, h, &req, fd[0]))
		; /* it is another's */
	else if (n > 0 && !err)
		serve(ss, s, h, &req, &fd[0]);
	else if (n > 0 || n == -EMSGSIZE || n == -EBADMSG)
		refuse(s, err);
	else
		session_close(s);
	untrusted_fds_close(fd, PROTO_FDS_MAX, &s->going);
}

/* Another session's DETACH or POPULATE of the same process has not been answered yet. */
static bool others_wait(const struct sessions *ss, const struct session *s)
{
	for (int i = 0; i < SESSIONS_MAX; i++)
		if (&ss->at[i] != s && ss->at[i].waits_for == s->waits_for)
			return true;
	return false;
}

void sessions_handle(struct sessions *ss, struct housekeeping *h)
{
	admission_open_all(ss, h);
	for (int i = 0; i < SESSIONS_MAX; i++) {
		struct session *s = &ss->at[i];

		if (s->fd >= 0 && s->waits_for)
			session_fill_step(s, h, others_wait(ss, s));
		if (s->fd >= 0 && s->step == STEP_ATTACH)
			attach(s, h);
		else if (s->fd >= 0 && s->step == STEP_WHERE)
			session_where_step(s, h);
		else if (s->fd >= 0 && s->step)
			session_self_step(s, h);
		if (s->fd >= 0 && !s->waits_for && !s->step)
			receive(ss, s, h);
		if (s->fd >= 0 && s->join && self_is_late(s->join))
			session_close(s);
	}
	bury_closed(ss);
	swap_areas_look_after(h->pg);
}
