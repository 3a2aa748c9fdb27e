// SPDX-License-Identifier: GPL-2.0-only
#include "cli/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/message.h"
#include "uapi/upager_proto.h"

#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND      127
#define STATUS_SIGNAL	      128

static _Noreturn void wait_and_exec(int gate, char **argv)
{
	ssize_t got;
	char go;
	int err;

	do
		got = read(gate, &go, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		_exit(UPAGER_EXIT_FAILED);
	execvp(argv[0], argv);
	err = errno;
	message_note("cannot run %s: %s", argv[0],
		     err == ENOENT ? "not found; give a path or set PATH" : strerror(err));
	_exit(err == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

int child_start(struct child *child, char **argv)
{
	/* Were SIGCHLD ignored, as it may be inherited, there would be nobody to wait for. */
	const struct sigaction reap = { .sa_handler = SIG_DFL };
	struct sigaction inherited;
	int gate[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate))
		return -errno;
	sigaction(SIGCHLD, &reap, &inherited);
	child->pid = fork();
	if (child->pid < 0) {
		int err = -errno;

		close(gate[0]);
		close(gate[1]);
		return err;
	}
	if (!child->pid) {
		sigaction(SIGCHLD, &inherited, NULL);
		close(gate[0]);
		wait_and_exec(gate[1], argv);
	}
	close(gate[1]);
	child->gate = gate[0];
	return 0;
}

static void handled_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

int child_release(struct child *child)
{
	const char go = 1;
	sigset_t set;
	int err = 0;

	handled_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	/* A child that was killed at the gate is not an error: its status tells. */
	if (send(child->gate, &go, 1, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
		err = -errno;
	close(child->gate);
	return err;
}

int child_wait(struct child *child)
{
	siginfo_t info;
	sigset_t set;
	int status = W_EXITCODE(UPAGER_EXIT_FAILED, 0);

	handled_signals(&set);
	while (waitpid(child->pid, &status, WNOHANG) == 0)
		/*
		 * The terminal's HUP too: it reaches only the leader of the
		 * session, which this process may be.
		 */
		if (sigwaitinfo(&set, &info) > 0 && info.si_signo != SIGCHLD)
			kill(child->pid, info.si_signo);
	return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

void child_abandon(struct child *child)
{
	close(child->gate);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
