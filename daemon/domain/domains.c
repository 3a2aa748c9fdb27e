// SPDX-License-Identifier: GPL-2.0-only
#include "domain/domains.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "domain/domain_spawn.h"
#include "recover/others.h"
#include "swap/claim.h"

/* One that ends at once is not started over and over. */
#define AGAIN_NS (1 * NS_PER_S)
#define BACKLOG	 128

/* Below the state directory; false: too long for a socket. */
static bool socket_addr(const struct domains *d, uid_t uid, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/" OTHERS_DIR "/%u/socket",
			d->opt->state, uid) < (int)sizeof(addr->sun_path);
}

/* -ECONNREFUSED: nobody listens; -EAGAIN: too many wait. */
static int connect_to(const struct domains *d, uid_t uid)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	struct sockaddr_un addr;

	if (fd < 0)
		return -errno;
	socket_addr(d, uid, &addr);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = errno == ENOENT ? -ECONNREFUSED : -errno;
	close(fd);
	return err;
}

/* Who connects from now on is served as soon as somebody is there. */
static int listen_for(const struct domains *d, uid_t uid)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	struct sockaddr_un addr;

	if (fd < 0)
		return -errno;
	socket_addr(d, uid, &addr);
	if ((!unlink(addr.sun_path) || errno == ENOENT) &&
	    !bind(fd, (struct sockaddr *)&addr, sizeof(addr)) && !chmod(addr.sun_path, 0600) &&
	    !listen(fd, BACKLOG))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* What the keeper has is taken over; nothing of ours is in the way then. */
static bool is_kept(const struct domains *d, uid_t uid)
{
	char name[16];
	bool kept;
	int fd;

	snprintf(name, sizeof(name), "%u", uid);
	fd = openat(d->dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	kept = fd >= 0 && others_kept(fd);
	if (fd >= 0)
		close(fd);
	return kept;
}

static int watch(struct domains *d, struct domain *dom)
{
	struct epoll_event event = { .events = EPOLLIN };

	dom->pidfd = (int)syscall(SYS_pidfd_open, dom->pid, 0);
	return dom->pidfd < 0 || epoll_ctl(d->watch_fd, EPOLL_CTL_ADD, dom->pidfd, &event) ? -errno
											   : 0;
}

static int start(struct domains *d, struct domain *dom)
{
	struct apart apart = { .on = true, .uid = dom->uid, .first = getpid(), .listen_fd = -1 };
	char name[16];
	int err = 0;

	dom->began_ns = clock_ns();
	memcpy(apart.front, d->opt->socket, sizeof(apart.front));
	snprintf(name, sizeof(name), "%u", dom->uid);
	if (mkdirat(d->dir_fd, name, 0700) && errno != EEXIST)
		err = -errno;
	if (!err && !is_kept(d, dom->uid)) {
		apart.listen_fd = listen_for(d, dom->uid);
		err = apart.listen_fd < 0 ? apart.listen_fd : 0;
		for (uint32_t i = 0; i < d->pg->nr_areas; i++)
			if (!area_is_hole(&d->pg->area[i]))
				apart.area_fd[apart.nr_areas++] = d->pg->area[i].fd;
	}
	if (!err)
		err = domain_spawn(d->opt, d->pg, &apart, &dom->pid);
	if (apart.listen_fd >= 0)
		close(apart.listen_fd);
	if (!err)
		err = watch(d, dom);
	if (err)
		log_err("cannot start a pager for user %u: %s", dom->uid, strerror(-err));
	else
		log_info("process %d pages the programs of user %u", dom->pid, dom->uid);
	return err;
}

static struct domain *find(struct domains *d, uid_t uid)
{
	for (uint32_t i = 0; i < d->nr; i++)
		if (d->at[i].uid == uid)
			return &d->at[i];
	for (uint32_t i = 0; d->nr == DOMAINS_MAX && i < d->nr; i++)
		if (!d->at[i].pid && !is_kept(d, d->at[i].uid)) {
			d->at[i] = (struct domain){ .uid = uid, .pidfd = -1 };
			return &d->at[i];
		}
	if (d->nr == DOMAINS_MAX)
		return NULL;
	d->at[d->nr] = (struct domain){ .uid = uid, .pidfd = -1 };
	return &d->at[d->nr++];
}

int domains_connect(struct domains *d, uid_t uid)
{
	struct domain *dom = find(d, uid);
	int err = 0;

	if (!dom)
		return -EUSERS;
	if (!dom->pid) {
		if (d->ending || (dom->began_ns && clock_ns() - dom->began_ns < AGAIN_NS))
			return -EAGAIN;
		err = start(d, dom);
	}
	return err ? err : connect_to(d, uid);
}

/* For those who wait for one. */
static void start_kept(struct domains *d)
{
	d->waits = false;
	for (uint32_t i = 0; i < d->nr; i++) {
		struct domain *dom = &d->at[i];

		if (dom->pid || !is_kept(d, dom->uid))
			continue;
		d->waits |=
			(dom->began_ns && clock_ns() - dom->began_ns < AGAIN_NS) || start(d, dom);
	}
}

static void bury(struct domain *dom, int status)
{
	if (WIFSIGNALED(status))
		log_warn("the pager of user %u, process %d, was ended by signal %d", dom->uid,
			 dom->pid, WTERMSIG(status));
	else if (WEXITSTATUS(status))
		log_warn("the pager of user %u, process %d, ended with status %d", dom->uid,
			 dom->pid, WEXITSTATUS(status));
	close(dom->pidfd);
	dom->pid = 0;
	dom->pidfd = -1;
}

/* Nobody has a slot of theirs, and no write to one is under way any more. */
static bool is_gone(void *context, uint32_t owner)
{
	struct domains *d = context;
	uid_t uid = owner - 1;

	for (uint32_t i = 0; i < d->nr; i++)
		if (d->at[i].uid == uid && d->at[i].pid)
			return false;
	return !is_kept(d, uid);
}

static void sweep(struct domains *d)
{
	for (uint32_t i = 0; i < d->pg->nr_areas; i++)
		if (d->pg->area[i].claims)
			claims_sweep(d->pg->area[i].claims, is_gone, d);
	d->sweep_ns = 0;
}

uint64_t domains_look_after(struct domains *d)
{
	uint64_t now_ns = clock_ns();
	int status;

	if (!d->waits && !fd_readable(d->watch_fd) && (!d->sweep_ns || now_ns < d->sweep_ns))
		return d->sweep_ns ? d->sweep_ns - now_ns : UINT64_MAX;
	for (uint32_t i = 0; i < d->nr; i++)
		if (d->at[i].pid && waitpid(d->at[i].pid, &status, WNOHANG) == d->at[i].pid) {
			d->left |= d->ending && status;
			d->sweep_ns = now_ns + CLAIM_LINGER_NS;
			bury(&d->at[i], status);
		}
	if (!d->ending)
		start_kept(d);
	if (d->sweep_ns && now_ns >= d->sweep_ns)
		sweep(d);
	if (d->waits)
		return AGAIN_NS;
	return d->sweep_ns ? d->sweep_ns - now_ns : UINT64_MAX;
}

void domains_end(struct domains *d)
{
	d->ending = true;
	for (uint32_t i = 0; i < d->nr; i++)
		if (d->at[i].pid)
			kill(d->at[i].pid, SIGTERM);
}

bool domains_give_up(struct domains *d)
{
	for (uint32_t i = 0; i < d->nr; i++) {
		if (!d->at[i].pid)
			continue;
		log_err("the pager of user %u, process %d, does not end, and is killed: the "
			"programs wait until upagerd is started again",
			d->at[i].uid, d->at[i].pid);
		kill(d->at[i].pid, SIGKILL);
		d->left = true;
	}
	return !d->left;
}

bool domains_ended(const struct domains *d)
{
	for (uint32_t i = 0; i < d->nr; i++)
		if (d->at[i].pid)
			return false;
	return true;
}

/* The same program: a daemon, a keeper or an injector of ours. */
bool domains_has_process(const struct domains *d, pid_t pid)
{
	struct stat theirs, ours;
	char path[32];

	if (!d->apart->on)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return !stat(path, &theirs) && !stat("/proc/self/exe", &ours) &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/* Those of a daemon that died. */
static void list(struct domains *d)
{
	int fd = fcntl(d->dir_fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char *end;
		unsigned long uid = strtoul(entry->d_name, &end, 10);

		if (uid && !*end && uid < UINT32_MAX && is_kept(d, (uid_t)uid))
			find(d, (uid_t)uid);
	}
	if (dir)
		closedir(dir);
}

int domains_init(struct domains *d, struct apart *apart, const struct options *opt,
		 struct pager *pg)
{
	struct sockaddr_un addr;

	*d = (struct domains){ .apart = apart, .opt = opt, .pg = pg, .dir_fd = -1, .watch_fd = -1 };
	if (!apart_is_first(apart))
		return 0;
	if (!socket_addr(d, UINT32_MAX, &addr)) {
		log_err("the path of the state directory %s is too long for sockets below it: name "
			"another with --state",
			opt->state);
		return -ENAMETOOLONG;
	}
	if (mkdirat(pg->state_dir_fd, OTHERS_DIR, 0700) && errno != EEXIST)
		return -errno;
	d->dir_fd = openat(pg->state_dir_fd, OTHERS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->dir_fd < 0 || d->watch_fd < 0)
		return -errno;
	list(d);
	start_kept(d);
	d->sweep_ns = clock_ns() + CLAIM_LINGER_NS;
	return 0;
}
