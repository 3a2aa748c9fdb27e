// SPDX-License-Identifier: GPL-2.0-only
#include "base/interrupt.h"

#include <unistd.h>

#define PERIOD_NS 2000000

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void ignore(int sig)
{
	(void)sig;
}

static bool start(timer_t *timer)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGURG,
		.sigev_notify_thread_id = gettid(),
	};
	const struct itimerspec period = { { 0, PERIOD_NS }, { 0, PERIOD_NS } };

	if (timer_create(CLOCK_MONOTONIC, &event, timer))
		return false;
	if (!timer_settime(*timer, 0, &period, NULL))
		return true;
	timer_delete(*timer);
	return false;
}

void interrupt_begin(struct interrupt *in)
{
	const struct sigaction action = { .sa_handler = ignore };
	sigset_t urgent;

	sigaction(SIGURG, &action, NULL);
	sigemptyset(&urgent);
	sigaddset(&urgent, SIGURG);
	pthread_sigmask(SIG_UNBLOCK, &urgent, &in->before);
	in->armed = start(&in->timer);
}

void interrupt_end(struct interrupt *in)
{
	if (in->armed)
		timer_delete(in->timer);
	pthread_sigmask(SIG_SETMASK, &in->before, NULL);
}

void interrupt_close(int fd)
{
	struct interrupt in;

	interrupt_begin(&in);
	close(fd);
	interrupt_end(&in);
}
