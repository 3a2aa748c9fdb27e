/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_NOTICE_CALLS_H
#define UPAGER_SELFTESTS_NOTICE_CALLS_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "selftests/target.h"

/*
 * System calls that wait until another process, let go by the test, makes them
 * return what they return when nobody disturbs them.
 */
#define BIG (4 * MIB)

static char *big;
static int ends[2]; /* what the call is made on is ends[0] or ends[1], by its direction */
static struct target_share *calls_share;
static pid_t calls_helper;

static const struct timespec calls_limit = { .tv_sec = 60 };

/* The other process; its end, should the test end, comes with its parent's. */
static void later(void (*fn)(void))
{
	calls_helper = fork();
	if (calls_helper)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (atomic_load(&calls_share->go) < 2)
		sleep_us(1000);
	fn();
	pause();
	_exit(0);
}

static void drain(void)
{
	char buf[4096];

	close(ends[1]);
	while (read(ends[0], buf, sizeof(buf)) > 0)
		;
}

static void send_byte(void)
{
	if (write(ends[1], "x", 1) != 1)
		_exit(1);
}

static void send_half(void)
{
	for (size_t n = BIG / 2; n;) {
		ssize_t done = write(ends[1], big, n);

		if (done < 0)
			_exit(1);
		n -= (size_t)done;
	}
}

static void signal_parent(void)
{
	kill(getppid(), SIGUSR1);
}

static void to_reader(void)
{
	later(drain);
	close(ends[0]);
}

static int unix_pair(int type)
{
	return socketpair(AF_UNIX, type, 0, ends);
}

static int set_limit(int fd, int option)
{
	const struct timeval tv = { .tv_sec = 60 };

	return setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv));
}

static long call_pipe_write(void)
{
	if (pipe(ends))
		return -1;
	to_reader();
	return write(ends[1], big, BIG);
}

static long call_pipe_writev(void)
{
	struct iovec v[2] = { { big, BIG / 2 }, { big + BIG / 2, BIG / 2 } };

	if (pipe(ends))
		return -1;
	to_reader();
	return writev(ends[1], v, 2);
}

static long call_unix_write(void)
{
	if (unix_pair(SOCK_STREAM))
		return -1;
	to_reader();
	return write(ends[1], big, BIG);
}

static long call_send_limit(void)
{
	if (unix_pair(SOCK_STREAM) || set_limit(ends[1], SO_SNDTIMEO))
		return -1;
	to_reader();
	return send(ends[1], big, BIG, 0);
}

static long call_sendfile(void)
{
	int file = memfd_create("notice", MFD_CLOEXEC);
	off_t at = 0;

	if (ftruncate(file, BIG) || unix_pair(SOCK_STREAM))
		return -1;
	to_reader();
	return sendfile(ends[1], file, &at, BIG);
}

static long call_recv_waitall(void)
{
	if (unix_pair(SOCK_STREAM))
		return -1;
	if (!fork()) {
		send_half();
		_exit(0);
	}
	later(send_half);
	return recv(ends[0], big, BIG, MSG_WAITALL);
}

static long call_splice(void)
{
	int to[2];

	if (pipe(ends) || pipe(to))
		return -1;
	later(send_byte);
	return splice(ends[0], NULL, to[1], NULL, 4096, 0);
}

static long call_read(void)
{
	if (pipe(ends))
		return -1;
	later(send_byte);
	return read(ends[0], big, 8);
}

static long call_read_limit(void)
{
	if (unix_pair(SOCK_STREAM) || set_limit(ends[0], SO_RCVTIMEO))
		return -1;
	later(send_byte);
	return read(ends[0], big, 8);
}

static long call_readv_limit(void)
{
	struct iovec v = { big, 8 };

	if (unix_pair(SOCK_STREAM) || set_limit(ends[0], SO_RCVTIMEO))
		return -1;
	later(send_byte);
	return readv(ends[0], &v, 1);
}

static long call_recvmmsg_limit(void)
{
	struct iovec v = { big, 8 };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &v, .msg_iovlen = 1 } };

	if (unix_pair(SOCK_DGRAM) || set_limit(ends[0], SO_RCVTIMEO))
		return -1;
	later(send_byte);
	return recvmmsg(ends[0], &m, 1, 0, NULL);
}

static void accept_all(void)
{
	for (int i = 0; i < 3; i++)
		accept(ends[0], NULL, NULL);
}

static long call_connect_limit(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int last;

	ends[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(to.sun_path + 1, 60, "notice-%d", getpid());
	if (bind(ends[0], (struct sockaddr *)&to, sizeof(to)) || listen(ends[0], 0))
		return -1;
	do /* until its queue is full */
		last = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	while (!connect(last, (struct sockaddr *)&to, sizeof(to)));
	last = socket(AF_UNIX, SOCK_STREAM, 0);
	if (set_limit(last, SO_SNDTIMEO))
		return -1;
	later(accept_all);
	return connect(last, (struct sockaddr *)&to, sizeof(to));
}

static long epoll_ready(int *ep)
{
	struct epoll_event event = { .events = EPOLLIN };

	*ep = epoll_create1(0);
	if (pipe(ends) || epoll_ctl(*ep, EPOLL_CTL_ADD, ends[0], &event))
		return -1;
	later(send_byte);
	return 0;
}

static long call_epoll(void)
{
	struct epoll_event event;
	int ep;

	return epoll_ready(&ep) ?: epoll_wait(ep, &event, 1, -1);
}

static long call_epoll_limit(void)
{
	struct epoll_event event;
	int ep;

	return epoll_ready(&ep) ?: epoll_wait(ep, &event, 1, 60000);
}

static long call_poll(void)
{
	struct pollfd pfd;

	if (pipe(ends))
		return -1;
	pfd = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	later(send_byte);
	return ppoll(&pfd, 1, &calls_limit, NULL);
}

static long call_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1); /* which is blocked */
	later(signal_parent);
	return sigtimedwait(&set, NULL, &calls_limit);
}

static long call_signalfd(void)
{
	struct signalfd_siginfo info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1); /* which is blocked */
	later(signal_parent);
	return read(signalfd(-1, &set, 0), &info, sizeof(info));
}

#endif
