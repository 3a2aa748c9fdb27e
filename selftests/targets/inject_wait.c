// SPDX-License-Identifier: GPL-2.0-only
/*
 * inject_wait CALL MS: waits MS milliseconds in one system call, then says what
 * it returned and how long that took.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct timespec interval(long ms)
{
	return (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
}

static long wait_until(long ms)
{
	struct timespec ts = interval(now_ms() + ms);

	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static long wait_epoll(long ms)
{
	struct epoll_event event = { .events = EPOLLIN };
	int pair[2];
	int ep = epoll_create1(0);

	if (pipe(pair) || epoll_ctl(ep, EPOLL_CTL_ADD, pair[0], &event))
		return -1;
	return epoll_wait(ep, &event, 1, (int)ms);
}

static long wait_futex(long ms)
{
	struct timespec ts = interval(ms);
	uint32_t word = 0;

	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0);
}

static long wait_select(long ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	return select(0, NULL, NULL, NULL, &tv);
}

static long wait_signal(long ms)
{
	struct timespec ts = interval(ms);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, &ts);
}

static long wait_recv(long ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	int pair[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
	    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		return -1;
	return recv(pair[0], &byte, 1, 0);
}

/* The tester closes our standard input after MS. */
static long wait_read(long ms)
{
	char byte;

	(void)ms;
	return read(STDIN_FILENO, &byte, 1);
}

static long wait_sleep(long ms)
{
	struct timespec ts = interval(ms);

	return nanosleep(&ts, NULL);
}

static long wait_poll(long ms)
{
	return poll(NULL, 0, (int)ms);
}

static const struct {
	const char *name;
	long (*wait)(long ms);
} waits[] = {
	{ "nanosleep", wait_sleep }, { "clock_nanosleep", wait_until }, { "poll", wait_poll },
	{ "select", wait_select },   { "futex", wait_futex },		{ "read", wait_read },
	{ "epoll", wait_epoll },     { "sigtimedwait", wait_signal },	{ "recv", wait_recv },
};

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		long begin, ret;

		if (strcmp(waits[i].name, argv[1]))
			continue;
		puts("ready");
		fflush(stdout);
		begin = now_ms();
		errno = 0;
		ret = waits[i].wait(atol(argv[2]));
		printf("%ld %d %ld\n", ret, errno, now_ms() - begin);
		return 0;
	}
	return 2;
}
