/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_NOTICE_WAITS_H
#define UPAGER_SELFTESTS_NOTICE_WAITS_H

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "selftests/agent/notice_calls.h"

/* The same, but neither pipes nor sockets. */
static char calls_name[64];
static uint32_t *calls_word;

static void semaphore_up(void)
{
	struct sembuf up = { .sem_op = 1 };

	semop(ends[0], &up, 1);
}

static long call_semtimedop(void)
{
	struct sembuf down = { .sem_op = -1 };
	long ret;

	ends[0] = semget(IPC_PRIVATE, 1, 0600);
	later(semaphore_up);
	ret = semtimedop(ends[0], &down, 1, &calls_limit);
	semctl(ends[0], 0, IPC_RMID);
	return ret;
}

static void message_send(void)
{
	struct {
		long type;
		char text[8];
	} m = { 1, "notice" };

	msgsnd(ends[0], &m, sizeof(m.text), 0);
}

static long call_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} m;
	long ret;

	ends[0] = msgget(IPC_PRIVATE, 0600);
	later(message_send);
	ret = msgrcv(ends[0], &m, sizeof(m.text), 0, 0);
	msgctl(ends[0], IPC_RMID, NULL);
	return ret;
}

static void event_up(void)
{
	uint64_t one = 1;

	if (write(ends[0], &one, sizeof(one)) < 0)
		_exit(1);
}

static long call_eventfd(void)
{
	uint64_t value;

	ends[0] = eventfd(0, 0);
	later(event_up);
	return read(ends[0], &value, sizeof(value));
}

static void wake_word(void)
{
	atomic_store((_Atomic uint32_t *)calls_word, 1);
	syscall(SYS_futex, calls_word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static long call_futex(void)
{
	struct timespec until;

	calls_word =
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 60;
	later(wake_word);
	return syscall(SYS_futex, calls_word, FUTEX_WAIT_BITSET, 0, &until, NULL, ~0);
}

static void unlock(void)
{
	flock(ends[1], LOCK_UN);
}

static long call_flock(void)
{
	snprintf(calls_name, sizeof(calls_name), "/proc/self/fd/%d",
		 memfd_create("notice", MFD_CLOEXEC));
	ends[0] = open(calls_name, O_RDWR);
	ends[1] = open(calls_name, O_RDWR);
	if (flock(ends[1], LOCK_EX))
		return -1;
	later(unlock);
	return flock(ends[0], LOCK_EX);
}

static void open_fifo(void)
{
	if (open(calls_name, O_WRONLY) < 0)
		_exit(1);
}

static long call_open_fifo(void)
{
	int fd;

	snprintf(calls_name, sizeof(calls_name), "/tmp/upager-notice-%d", getpid());
	if (mkfifo(calls_name, 0600))
		return -1;
	later(open_fifo);
	fd = open(calls_name, O_RDONLY);
	unlink(calls_name);
	return fd < 0;
}

static void end(void)
{
	_exit(0);
}

static long call_waitid(void)
{
	siginfo_t info;

	later(end);
	return waitid(P_PID, (id_t)calls_helper, &info, WEXITED);
}

/* At work in the kernel: again and again until the test lets go. */
static long call_read_zeros(void)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	long ret = 0;

	while (atomic_load(&calls_share->go) < 2 && ret >= 0) {
		long n = read(fd, big, BIG);

		ret = n == BIG ? n : -1;
		atomic_fetch_add(&calls_share->value[2], 1);
	}
	close(fd);
	return ret;
}

#endif
