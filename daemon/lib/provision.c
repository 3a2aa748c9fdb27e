// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/provision.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control/proto.h"
#include "lib/spawn.h"

#define NR_MAX 0x7fff /* UPAGER_PROVISION_NRS() */

struct wearing {
	struct upager *u;
	const struct upager_provision *provision;
	int *fd;
	int uffd;
	char *base; /* NULL: nothing is mapped */
	pid_t agent;
	int pidfd;
};

void provision_close(int fd[UPAGER_PROVISION_FDS])
{
	for (int i = 0; i < UPAGER_PROVISION_FDS; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

static int fail(const struct wearing *w, int err, const char *what)
{
	char text[UPAGER_TEXT_BYTES];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(-err));
	return client_fail(w->u, err, text);
}

/* After unshare(CLONE_NEWPID): the first child is the first process of a namespace. */
static bool children_are_elsewhere(void)
{
	struct stat own, theirs;

	if (stat("/proc/thread-self/ns/pid", &own))
		return false;
	return stat("/proc/thread-self/ns/pid_for_children", &theirs) ||
	       theirs.st_ino != own.st_ino;
}

/* It would adopt the agent, and its wait() no longer say ECHILD; or that would be another's. */
static int check_parenthood(const struct wearing *w)
{
	int subreaper = 0;

	if (children_are_elsewhere())
		return client_fail(
			w->u, -EOPNOTSUPP,
			"what this thread starts is in another PID namespace "
			"(unshare(CLONE_NEWPID)), and so would be the agent; join before "
			"that, or in another thread");
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
	if (!subreaper && getpid() != 1)
		return 0;
	return client_fail(w->u, -EOPNOTSUPP,
			   "this process adopts orphans (a subreaper, or PID 1 of a namespace) and "
			   "would adopt the agent; page its children instead");
}

static char *reserve(const struct upager_provision *o)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *hint = (void *)(uintptr_t)o->hint;
	void *p = MAP_FAILED;

	if (hint)
		p = mmap(hint, o->bytes, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
	if (p == MAP_FAILED)
		p = mmap(NULL, o->bytes, PROT_NONE, flags, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* munlock: after mlockall(MCL_FUTURE) a new mapping is locked. */
static bool set_apart(char *p, size_t bytes)
{
	return !munlock(p, bytes) && !madvise(p, bytes, MADV_DONTFORK) &&
	       !madvise(p, bytes, MADV_DONTDUMP);
}

static bool map_at(char *p, size_t bytes, int prot, int flags, int fd)
{
	return mmap(p, bytes, prot, flags | MAP_FIXED, fd, 0) == p;
}

static int map_all(struct wearing *w)
{
	const struct upager_provision *o = w->provision;

	w->base = reserve(o);
	if (!w->base)
		return fail(w, -errno, "the agent's memory");
	if (!set_apart(w->base, o->bytes) ||
	    mprotect(w->base + o->stack, o->stack_bytes, PROT_READ | PROT_WRITE) ||
	    mprotect(w->base + o->staging, o->staging_bytes, PROT_READ | PROT_WRITE) ||
	    !map_at(w->base, o->ctl_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		    w->fd[UPAGER_PROVISION_CTL]) ||
	    !map_at(w->base + o->code, o->code_bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE,
		    w->fd[UPAGER_PROVISION_CODE]) ||
	    !set_apart(w->base, o->ctl_bytes) || !set_apart(w->base + o->code, o->code_bytes))
		return fail(w, -errno, "the agent's memory");
	/* EINVAL in a kernel without huge pages. */
	madvise(w->base + o->staging, o->staging_bytes, MADV_NOHUGEPAGE);
	return 0;
}

static int make_uffd(struct wearing *w)
{
	w->uffd = w->fd[UPAGER_PROVISION_UFFD];
	if (w->provision->flags & UPAGER_PROVISION_HAS_UFFD)
		return 0;
	w->uffd = ioctl(w->uffd, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	if (w->uffd < 0)
		return fail(w, -errno, "a userfaultfd");
	close(w->fd[UPAGER_PROVISION_UFFD]);
	w->fd[UPAGER_PROVISION_UFFD] = w->uffd;
	return 0;
}

static int show(struct wearing *w)
{
	struct upager_request req;

	if (w->uffd > NR_MAX || w->fd[UPAGER_PROVISION_POOL] > NR_MAX ||
	    w->fd[UPAGER_PROVISION_EVENT] > NR_MAX || w->fd[UPAGER_PROVISION_GRIP] > NR_MAX)
		return fail(w, -EMFILE, "the agent's descriptors");
	proto_init_request(&req, UPAGER_OP_PROVISIONED, 0);
	req.addr = (uintptr_t)w->base;
	req.arg = UPAGER_PROVISION_NRS(w->uffd, w->fd[UPAGER_PROVISION_POOL],
				       w->fd[UPAGER_PROVISION_EVENT], w->fd[UPAGER_PROVISION_GRIP]);
	return client_ask(w->u, &req,
			  w->provision->flags & UPAGER_PROVISION_HAS_UFFD ? -1 : w->uffd, 0);
}

static int start(struct wearing *w)
{
	const struct upager_provision *o = w->provision;
	struct spawn sp = {
		.entry = (void (*)(void *, void *))(uintptr_t)(w->base + o->entry),
		.arg = { w->base, w->base + o->start },
		.stack = w->base + o->stack,
		.stack_bytes = o->stack_bytes,
	};
	struct upager_request req;

	w->agent = spawn_orphan(&sp);
	if (w->agent < 0)
		return fail(w, w->agent, "the agent cannot be started");
	w->pidfd = (int)syscall(SYS_pidfd_open, w->agent, 0);
	if (w->pidfd < 0)
		return fail(w, -errno, "the agent's pidfd");
	proto_init_request(&req, UPAGER_OP_STARTED, 0);
	return client_ask(w->u, &req, w->pidfd, 0);
}

static void end_agent(const struct wearing *w)
{
	struct pollfd pfd = { .fd = w->pidfd, .events = POLLIN };

	if (w->pidfd < 0) {
		kill(w->agent, SIGKILL);
		return;
	}
	syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
	while (poll(&pfd, 1, -1) < 0 && errno == EINTR)
		;
}

/* While staging is registered its unmapping would wait until the daemon has read of it. */
static void take_off(const struct wearing *w)
{
	if (w->agent > 0)
		end_agent(w);
	if (w->base && w->uffd >= 0) {
		struct uffdio_range range = {
			.start = (uintptr_t)(w->base + w->provision->staging),
			.len = w->provision->staging_bytes,
		};

		ioctl(w->uffd, UFFDIO_UNREGISTER, &range);
	}
	if (w->base)
		munmap(w->base, w->provision->bytes);
}

int provision_wear(struct upager *u, const struct upager_provision *provision,
		   int fd[UPAGER_PROVISION_FDS])
{
	struct wearing w = { .u = u, .provision = provision, .fd = fd, .uffd = -1, .pidfd = -1 };
	int err = check_parenthood(&w);

	if (!err)
		err = map_all(&w);
	if (!err)
		err = make_uffd(&w);
	if (!err)
		err = show(&w);
	if (!err)
		err = start(&w);
	if (err)
		take_off(&w);
	if (w.pidfd >= 0)
		close(w.pidfd);
	provision_close(fd);
	return err;
}
