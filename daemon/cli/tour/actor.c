// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/actor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* What is asked for takes seconds at most, of a slow machine. */
#define ANSWER_MS 60000

struct question {
	uint32_t what;
	uint64_t arg;
};

struct answer {
	int err;
	uint64_t result[ACTOR_RESULTS];
};

void actor_end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

__attribute__((noreturn)) static void act(int fd, actor_fn *fn, void *state)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct question q;

	for (;;) {
		struct answer a = { 0 };

		/* The pager may stop it in poll(), as it may not in recv(). */
		if (poll(&ready, 1, -1) < 0 && errno == EINTR)
			continue;
		if (recv(fd, &q, sizeof(q), 0) != (ssize_t)sizeof(q))
			break;
		a.err = fn(state, q.what, q.arg, a.result);
		if (send(fd, &a, sizeof(a), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

int actor_start(struct actor *a, actor_fn *fn, void *state)
{
	pid_t parent = getpid();
	uint64_t begin_ns;
	int fds[2], err;

	*a = (struct actor){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	begin_ns = clock_ns();
	a->pid = fork();
	a->fork_ns = clock_ns() - begin_ns;
	err = a->pid < 0 ? -errno : 0;
	if (!a->pid) {
		close(fds[0]);
		actor_end_with(parent);
		act(fds[1], fn, state);
	}
	close(fds[1]);
	if (err) {
		close(fds[0]);
		a->pid = 0;
		return err;
	}
	a->fd = fds[0];
	return 0;
}

int actor_tell(const struct actor *a, uint32_t what, uint64_t arg)
{
	struct question q = { .what = what, .arg = arg };

	return send(a->fd, &q, sizeof(q), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

bool actor_answers(const struct actor *a, int ms)
{
	struct pollfd ready = { .fd = a->fd, .events = POLLIN };

	return poll(&ready, 1, ms) > 0;
}

int actor_answer(const struct actor *a, uint64_t result[ACTOR_RESULTS])
{
	struct pollfd ready = { .fd = a->fd, .events = POLLIN };
	struct answer answer;
	int n = poll(&ready, 1, ANSWER_MS);

	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	if (recv(a->fd, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
		return -EPIPE;
	if (result)
		memcpy(result, answer.result, sizeof(answer.result));
	return answer.err;
}

int actor_ask(const struct actor *a, uint32_t what, uint64_t arg, uint64_t result[ACTOR_RESULTS])
{
	return actor_tell(a, what, arg) ?: actor_answer(a, result);
}

void actor_end(struct actor *a)
{
	if (a->pid <= 0)
		return;
	close(a->fd);
	kill(a->pid, SIGKILL);
	while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR)
		;
	a->pid = 0;
}
