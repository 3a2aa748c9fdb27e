// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's side of the helper: inject.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent_abi.h"
#include "agent/cause.h"
#include "agent/channel.h"
#include "agent/inject.h"
#include "agent/place.h"
#include "base/untrusted_fd.h"

/* Beyond all that the helper allows itself. */
#define HELPER_MS 10000
/* For its end, once it was told, and once it was killed. */
#define REAP_MS	  3000
#define DIE_MS	  100

/* Helpers that are still to be reaped; 0: none.  Of more than that, zombies stay. */
#define LEFT_MAX 64
static pid_t left[LEFT_MAX];

#define CLEAN_UP_TRIES	  20
#define CLEAN_UP_PAUSE_NS 5000000

static int spawn(int channel, pid_t *pid)
{
	char *argv[] = { (char *)(uintptr_t)INJECT_ARGV0, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	/* In a session of its own: a terminal's signals are for the daemon. */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSID);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_init(&actions);
	err = posix_spawn_file_actions_adddup2(&actions, channel, CHANNEL_FD);
	untrusted_fds_await();
	if (!err)
		err = posix_spawn(pid, "/proc/self/exe", &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -err;
}

static bool has_ended(pid_t helper, int timeout_ms)
{
	struct pollfd pfd = { .fd = (int)syscall(SYS_pidfd_open, helper, 0), .events = POLLIN };
	int n;

	do {
		n = pfd.fd < 0 ? 1 : poll(&pfd, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (pfd.fd >= 0)
		close(pfd.fd);
	return n != 0;
}

/* One that does not even die: the kernel waits for what the target has it wait for. */
static void leave(pid_t helper)
{
	for (int i = 0; i < LEFT_MAX; i++) {
		if (left[i])
			continue;
		left[i] = helper;
		return;
	}
}

/* Its end is near: it was told, or killed.  True if it ended well. */
static bool reap(pid_t helper)
{
	int status;

	if (!has_ended(helper, REAP_MS)) {
		kill(helper, SIGKILL);
		if (!has_ended(helper, DIE_MS)) {
			leave(helper);
			return false;
		}
	}
	while (waitpid(helper, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

static int start(struct inject_stop *st, char *cause)
{
	int pair[2];
	int err;

	*st = (struct inject_stop){ .channel = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return cause_set(cause, -errno, "socketpair: %s", strerror(errno));
	err = spawn(pair[1], &st->helper);
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return cause_set(cause, err, "the injector cannot be started: %s", strerror(-err));
	}
	st->channel = pair[0];
	return 0;
}

static bool finish(const struct inject_stop *st)
{
	close(st->channel);
	return reap(st->helper);
}

/* -ETIMEDOUT: it does not answer. */
static int receive(const struct inject_stop *st, struct channel_reply *reply, int *fd,
		   int timeout_ms)
{
	struct pollfd pfd = { .fd = st->channel, .events = POLLIN };
	int n;

	do {
		n = poll(&pfd, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	return n ? channel_recv(st->channel, reply, sizeof(*reply), fd) : -ETIMEDOUT;
}

static int wait_reply(const struct inject_stop *st, struct channel_reply *reply, int *fd,
		      char *cause)
{
	int err = receive(st, reply, fd, HELPER_MS);

	if (err == -ETIMEDOUT)
		return cause_set(cause, err, "the injector hangs and was ended; try again");
	if (err == -EMFILE)
		return cause_set(cause, err, "too many open files");
	if (err)
		return cause_set(cause, -EIO, "the injector died; try again");
	memcpy(cause, reply->cause, sizeof(reply->cause));
	return reply->err;
}

/* A helper that waits for the next stop, if its channel is not -1. */
static struct inject_stop idle = { .channel = -1 };

static bool idle_has_gone(void)
{
	struct pollfd pfd = { .fd = idle.channel, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

static bool take_idle(struct inject_stop *st)
{
	if (idle.channel < 0)
		return false;
	*st = idle;
	idle.channel = -1;
	return true;
}

static void finish_idle(void)
{
	struct inject_stop st;

	if (take_idle(&st))
		finish(&st);
}

/* All that it had stopped runs. */
static void let_wait(const struct inject_stop *st, bool stays)
{
	if (stays && idle.channel < 0)
		idle = *st;
	else
		finish(st);
}

/* On error the helper is gone, or waits for another stop. */
static int call(struct inject_stop *st, struct channel_request *req, const int *fd, size_t nr_fds,
		struct channel_reply *reply, int *reply_fd, char *cause)
{
	int err = 0;

	if (idle.channel >= 0 && idle_has_gone())
		finish_idle();
	if (req->op != CHANNEL_STOP || !take_idle(st))
		err = start(st, cause);
	if (err)
		return err;
	memset(reply, 0, sizeof(*reply));
	req->daemon_pid = getpid();
	/* That it died already shows in the reply, which will not come. */
	channel_send(st->channel, req, sizeof(*req), fd, nr_fds);
	err = wait_reply(st, reply, reply_fd, cause);
	if (err == -ETIMEDOUT)
		kill(st->helper, SIGKILL);
	if (err)
		let_wait(st, reply->stays);
	return err;
}

int inject_remove(pid_t pid, pid_t agent_pid, int agent_pidfd, const struct inject_place *place,
		  char cause[INJECT_CAUSE_BYTES])
{
	struct channel_request req = {
		.op = CHANNEL_REMOVE,
		.pid = pid,
		.agent_pid = agent_pid,
		.place = *place,
	};
	int reply_fd[CHANNEL_FDS_MAX];
	struct channel_reply reply;
	struct inject_stop st;
	int err = call(&st, &req, &agent_pidfd, agent_pidfd >= 0, &reply, reply_fd, cause);

	if (!err)
		finish(&st);
	return err;
}

/* A dead injector took the agent with it; what it had mapped is unmapped by another. */
static int clean_up(pid_t pid, int ctl_fd, struct inject_result *res)
{
	const struct timespec pause = { .tv_nsec = CLEAN_UP_PAUSE_NS };
	char ignored[INJECT_CAUSE_BYTES];
	struct inject_place place;
	uint64_t staging;

	if (pread(ctl_fd, &staging, sizeof(staging), offsetof(struct agent_ctl, staging)) ==
		    sizeof(staging) &&
	    place_recover(&place, staging)) {
		/* Busy: the thread is still on its way back into the program. */
		for (int i = 0; i < CLEAN_UP_TRIES; i++) {
			if (inject_remove(pid, 0, -1, &place, ignored) != -EBUSY)
				break;
			nanosleep(&pause, NULL);
		}
	}
	return cause_set(res->cause, -EIO, "the injector died; try again");
}

static int attach(struct channel_request *req, const int *fd, size_t nr_fds,
		  inject_record_fn record, void *context, struct inject_result *res)
{
	int reply_fd[CHANNEL_FDS_MAX];
	struct channel_reply reply;
	struct inject_stop st;
	int err = call(&st, req, fd, nr_fds, &reply, reply_fd, res->cause);

	if (err == -EIO || err == -ETIMEDOUT)
		return clean_up(req->pid, fd[0], res);
	if (err)
		return err;
	*res = (struct inject_result){
		.uffd = reply_fd[0],
		.agent_pidfd = reply_fd[1],
		.agent_pid = reply.agent_pid,
		.place = reply.place,
		.stopped_ns = reply.stopped_ns,
	};
	if (req->has_uffd) { /* the caller's own came back */
		close(res->uffd);
		res->uffd = -1;
	}
	err = record ? record(context, res) : 0;
	if (!err)
		channel_send(st.channel, "t", 1, NULL, 0);
	if (finish(&st) && !err)
		return 0;
	if (res->uffd >= 0)
		close(res->uffd);
	close(res->agent_pidfd);
	return err ? err : clean_up(req->pid, fd[0], res);
}

int inject_attach(pid_t pid, uid_t owner, bool unprivileged, bool any, uint64_t uffd_features,
		  int ctl_fd, int pool_fd, int event_fd, inject_record_fn record, void *context,
		  struct inject_result *res)
{
	struct channel_request req = {
		.op = CHANNEL_ATTACH,
		.pid = pid,
		.owner = owner,
		.unprivileged = unprivileged,
		.any = any,
		.uffd_features = uffd_features,
	};

	return attach(&req, (int[]){ ctl_fd, pool_fd, event_fd }, 3, record, context, res);
}

int inject_attach_uffd(pid_t pid, uid_t owner, int uffd, int ctl_fd, int pool_fd, int event_fd,
		       inject_record_fn record, void *context, struct inject_result *res)
{
	struct channel_request req = {
		.op = CHANNEL_ATTACH, .pid = pid, .owner = owner, .has_uffd = true
	};

	return attach(&req, (int[]){ ctl_fd, pool_fd, event_fd, uffd }, 4, record, context, res);
}

int inject_stop_begin(pid_t pid, pid_t agent_pid, struct inject_stop *stop,
		      char cause[INJECT_CAUSE_BYTES])
{
	struct channel_request req = { .op = CHANNEL_STOP, .pid = pid, .agent_pid = agent_pid };
	int reply_fd[CHANNEL_FDS_MAX];
	struct channel_reply reply;

	return call(stop, &req, NULL, 0, &reply, reply_fd, cause);
}

void inject_stop_end(struct inject_stop *stop)
{
	int fd[CHANNEL_FDS_MAX];
	struct channel_reply reply;
	int err = channel_send(stop->channel, "e", 1, NULL, 0);

	if (!err)
		err = receive(stop, &reply, fd, REAP_MS);
	if (err) /* the kernel lets all run then */
		kill(stop->helper, SIGKILL);
	let_wait(stop, !err && reply.stays);
}

void inject_reap(void)
{
	for (int i = 0; i < LEFT_MAX; i++)
		if (left[i] && waitpid(left[i], NULL, WNOHANG))
			left[i] = 0;
	if (idle.channel >= 0 && idle_has_gone())
		finish_idle();
}
