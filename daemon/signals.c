// SPDX-License-Identifier: GPL-2.0-only
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/types.h"

void signals_block(void)
{
	static const int bugs[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP };
	sigset_t signals;

	sigfillset(&signals);
	for (uint32_t i = 0; i < ARRAY_SIZE(bugs); i++)
		sigdelset(&signals, bugs[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

int signals_open(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGQUIT);
	sigaddset(&signals, SIGHUP);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

unsigned int signals_read(int signal_fd)
{
	struct signalfd_siginfo info;
	unsigned int come = 0;

	while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			come |= SIGNALS_RELOAD;
		else
			come |= SIGNALS_STOP |
				(info.ssi_signo == SIGTERM ? 0 : (unsigned int)SIGNALS_KEYS);
	}
	return come;
}
