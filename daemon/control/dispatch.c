// SPDX-License-Identifier: GPL-2.0-only
#include "control/dispatch.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/untrusted_fd.h"
#include "control/proto.h"
#include "control/request.h"
#include "control/session_fill.h"
#include "control/session_self.h"
#include "control/session_status.h"
#include "control/swap_areas.h"
#include "kernel/owner.h"
#include "control/session_where.h"

#define GROUP_NAME "upager"
#define SEND_BYTES (8 << 20)

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static bool is_served(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool served = fd >= 0 && !connect(fd, (const struct sockaddr *)addr, sizeof(*addr));

	if (fd >= 0)
		close(fd);
	return served;
}

/* Members of the group may connect; without one, root alone. */
static void open_to_group(const char *path)
{
	const struct group *gr = getgrnam(GROUP_NAME);

	if (gr && chown(path, 0, gr->gr_gid))
		log_warn("cannot give %s to group " GROUP_NAME
			 " (%s), ignoring: root alone may use it",
			 path, strerror(errno));
	if (chmod(path, gr ? 0660 : 0600))
		log_warn("cannot set the mode of %s (%s), ignoring", path, strerror(errno));
}

/* Taken over, with the clients that have queued since. */
static bool is_bound_to(int listen_fd, const char *path)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr);
	struct stat st;

	return listen_fd >= 0 && !getsockname(listen_fd, (struct sockaddr *)&addr, &len) &&
	       !strncmp(addr.sun_path, path, sizeof(addr.sun_path)) && !lstat(path, &st) &&
	       S_ISSOCK(st.st_mode);
}

int sessions_init(struct sessions *ss, const char *path, int listen_fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	int err;

	for (int i = 0; i < SESSIONS_MAX; i++)
		ss->at[i] = (struct session){ .fd = -1, .peer.pidfd = -1 };
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	/* Again: it tells clients who serves them now. */
	if (is_bound_to(listen_fd, path) && !listen(listen_fd, SESSIONS_MAX)) {
		ss->listen_fd = listen_fd;
		return 0;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (is_served(&addr))
		return -EADDRINUSE;
	if (!lstat(path, &st) && !S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (unlink(path) && errno != ENOENT)
		return -errno;
	ss->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ss->listen_fd < 0)
		return -errno;
	if (bind(ss->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(ss->listen_fd, SESSIONS_MAX)) {
		err = -errno;
		close(ss->listen_fd);
		return err;
	}
	open_to_group(path);
	return 0;
}

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
		*s = (struct session){ .fd = -1, .peer.pidfd = -1 };
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
	return s->waits_for || s->step;
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

/* Before Linux 6.5 by its number, an instant later. */
static int open_peer(int fd, pid_t pid)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	if (!getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len))
		return pidfd;
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void accept_all(struct sessions *ss, struct housekeeping *h)
{
	const int bytes = SEND_BYTES;

	for (int i = 0; i < SESSIONS_MAX; i++) {
		struct ucred cred;
		socklen_t len = sizeof(cred);
		int fd;

		if (ss->at[i].fd >= 0)
			continue;
		fd = accept4(ss->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
			close(fd);
			continue;
		}
		/* More than the default, or a status of many would not fit; nobody waits for room. */
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
		ss->at[i] = (struct session){
			.fd = fd,
			.uid = cred.uid,
			.peer = { cred.pid, cred.uid, open_peer(fd, cred.pid) },
			.housekeeping = h,
		};
	}
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

static void receive(struct session *s, struct housekeeping *h)
{
	struct upager_request req;
	struct upager_reply reply;
	int fd = -1, err;
	ssize_t n = proto_recv_fds(s->fd, &req, sizeof(req), &fd, 1);

	if (n == -EAGAIN)
		return;
	err = n <= 0 ? (int)n : proto_check_request(&req, (size_t)n);
	if (!err && n > 0 && (req.op == UPAGER_OP_SWAPON || req.op == UPAGER_OP_SWAPOFF)) {
		swap_areas_handle(s, h, &req, fd);
	} else if (!err && n > 0 && req.op >= UPAGER_OP_JOIN && req.op <= UPAGER_OP_ADVISE) {
		session_self_handle(s, h, &req, &fd);
	} else if (!err && n > 0) {
		int target = fd < 0 ? (int)syscall(SYS_pidfd_open, req.pid, 0) : fd;

		handle(s, h, &req, target);
		if (fd < 0 && target >= 0)
			close(target);
	} else if (n > 0 || n == -EMSGSIZE || n == -EBADMSG) {
		proto_init_reply(&reply);
		proto_text(&reply,
			   "the request is malformed: upager and upagerd must be of one version");
		session_answer(s, &reply, err);
		if (s->fd >= 0 && (err == -EMSGSIZE || err == -EBADMSG || err == -EPROTONOSUPPORT))
			session_close(s);
	} else {
		session_close(s);
	}
	untrusted_fd_close(fd);
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
	accept_all(ss, h);
	for (int i = 0; i < SESSIONS_MAX; i++) {
		struct session *s = &ss->at[i];

		if (s->fd >= 0 && s->waits_for)
			session_fill_step(s, h, others_wait(ss, s));
		if (s->fd >= 0 && s->step == STEP_WHERE)
			session_where_step(s, h);
		else if (s->fd >= 0 && s->step)
			session_self_step(s, h);
		if (s->fd >= 0 && !is_waiting(s))
			receive(s, h);
		if (s->fd >= 0 && s->join && self_is_late(s->join))
			session_close(s);
	}
	bury_closed(ss);
	swap_areas_look_after(h->pg);
}
