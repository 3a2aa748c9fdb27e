// SPDX-License-Identifier: GPL-2.0-only
#include "control/admission.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "control/proto.h"
#include "control/transfer.h"

#define GROUP_NAME "upager"
#define SEND_BYTES (8 << 20)
/* In one go: others wait for housekeeping. */
#define ACCEPT_MAX 64

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

	if (!gr)
		log_info("there is no group " GROUP_NAME ": root alone may use the pager; "
			 "systemd-sysusers or groupadd makes it, for who is to be a member");
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

int sessions_init(struct sessions *ss, const char *path, int listen_fd, const struct quotas *quotas)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	int err;

	ss->quotas = *quotas;
	for (int i = 0; i < SESSIONS_MAX; i++)
		ss->at[i] = (struct session){ .fd = -1, .peer.pidfd = -1, .target = -1 };
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

/* Before Linux 6.5 by its number, an instant later. */
static int open_peer(int fd, pid_t pid)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	if (!getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len))
		return pidfd;
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Also one whose descriptors are still being closed. */
static bool is_taken(const struct session *s)
{
	return s->fd >= 0 || s->housekeeping || s->going;
}

/* NULL with a clause: the user has what one may have, or the rest is root's. */
static struct session *find_place(struct sessions *ss, uid_t uid, char text[UPAGER_TEXT_BYTES])
{
	const struct quotas *q = &ss->quotas;
	uint32_t nr_own = 0, nr_users = 0, nr = 0;
	struct session *place = NULL;

	for (int i = 0; i < SESSIONS_MAX; i++) {
		struct session *s = &ss->at[i];

		if (is_taken(s)) {
			nr_own += s->uid == uid;
			nr++;
			nr_users += s->uid != 0;
			continue;
		}
		place = s;
	}
	if (uid && nr_own >= q->user_connections)
		snprintf(text, UPAGER_TEXT_BYTES,
			 "user %u has %u connections to the daemon, as many as user_connections "
			 "allows: close some, or have root raise that in the configuration of "
			 "upagerd",
			 uid, nr_own);
	else if (nr >= q->connections || (uid && nr_users >= q->connections - q->root_connections))
		snprintf(text, UPAGER_TEXT_BYTES,
			 "there are %u connections to the daemon, as many as connections allows%s: "
			 "close some, or have root raise that in the configuration of upagerd",
			 uid ? nr_users : nr, uid ? " besides root's" : "");
	else
		return place;
	return NULL;
}

static void refuse(int fd, const char *text)
{
	struct upager_reply reply;

	proto_init_reply(&reply);
	reply.error = -EUSERS;
	reply.exit_code = UPAGER_EXIT_FAILED;
	proto_text(&reply, "%s", text);
	proto_send(fd, &reply, sizeof(reply), -1);
	interrupt_close(fd);
}

struct session *admission_take(struct sessions *ss, struct housekeeping *h, int fd)
{
	const int bytes = SEND_BYTES;
	char text[UPAGER_TEXT_BYTES];
	struct session *place;
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
		interrupt_close(fd);
		return NULL;
	}
	place = find_place(ss, cred.uid, text);
	if (!place) {
		refuse(fd, text);
		return NULL;
	}
	/* More than the default, or a status of many would not fit; nobody waits for room. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	*place = (struct session){
		.fd = fd,
		.uid = cred.uid,
		.peer = { cred.pid, cred.uid, open_peer(fd, cred.pid) },
		.housekeeping = h,
		.target = -1,
	};
	return place;
}

static void admit(struct sessions *ss, struct housekeeping *h, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int err;

	if (!apart_is_first(ss->domains->apart) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) || !cred.uid) {
		admission_take(ss, h, fd);
		return;
	}
	err = transfer_to_user(ss, cred.uid, fd, NULL, -1);
	if (err)
		refuse(fd, transfer_refusal(err));
	else
		interrupt_close(fd);
}

void admission_open_all(struct sessions *ss, struct housekeeping *h)
{
	for (int n = 0; n < ACCEPT_MAX; n++) {
		int fd = accept4(ss->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		admit(ss, h, fd);
	}
}
