// SPDX-License-Identifier: GPL-2.0-only
#include "agent/remote.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_US	      2000
#define SYSCALL_STOP  (SIGTRAP | 0x80)
#define EVENT(status) ((status) >> 16)

static long steps_to_kill;

static void step(void)
{
	if (steps_to_kill && !--steps_to_kill)
		kill(getpid(), SIGKILL);
}

static void tick(int sig)
{
	(void)sig;
}

int remote_init(long kill_at)
{
	struct itimerval it = { .it_interval.tv_usec = TICK_US, .it_value.tv_usec = TICK_US };
	struct sigaction sa = { .sa_handler = tick };

	steps_to_kill = kill_at;
	/* Without SA_RESTART each tick ends a blocking wait, which then looks at its deadline. */
	if (sigaction(SIGALRM, &sa, NULL) || setitimer(ITIMER_REAL, &it, NULL))
		return -errno;
	return 0;
}

void remote_rest(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}

uint64_t remote_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static int request(int req, pid_t tid, unsigned long addr, unsigned long data)
{
	step();
	return ptrace((enum __ptrace_request)req, tid, addr, data) < 0 ? -errno : 0;
}

static int wait_status(const struct remote *r, int *status)
{
	while (waitpid(r->tid, status, __WALL) < 0) {
		if (errno != EINTR)
			return -ESRCH;
		if (remote_now_ns() > r->deadline_ns)
			return -EBUSY;
	}
	return WIFSTOPPED(*status) ? 0 : -ESRCH;
}

int remote_seize(struct remote *r, pid_t tid, unsigned int options)
{
	int err = request(PTRACE_SEIZE, tid, 0, options);

	if (!err)
		*r = (struct remote){ .tid = tid, .deadline_ns = r->deadline_ns };
	return err;
}

int remote_adopt(struct remote *r, pid_t tid, uint64_t insn)
{
	uint64_t deadline_ns = r->deadline_ns;
	int err;

	*r = (struct remote){ .tid = tid, .insn = insn, .deadline_ns = deadline_ns };
	err = remote_wait_stop(r);
	if (!err)
		err = remote_get_regs(r, &r->regs);
	r->regs.orig_rax = ~0ULL;
	return err;
}

int remote_interrupt(struct remote *r)
{
	return request(PTRACE_INTERRUPT, r->tid, 0, 0);
}

int remote_wait_stop(struct remote *r)
{
	for (;;) {
		int status;
		int err = wait_status(r, &status);

		if (err || EVENT(status) == PTRACE_EVENT_STOP)
			return err;
		/* A signal came first: it is delivered, and the stop comes after it. */
		err = request(PTRACE_CONT, r->tid, 0,
			      EVENT(status) ? 0 : (unsigned long)WSTOPSIG(status));
		if (err)
			return err;
	}
}

int remote_poll_stop(struct remote *r, enum remote_stop *stop, siginfo_t *info)
{
	int status;
	pid_t pid = waitpid(r->tid, &status, __WALL | WNOHANG);

	*stop = REMOTE_RUNS;
	if (pid == 0)
		return 0;
	if (pid < 0 || !WIFSTOPPED(status))
		return -ESRCH;
	if (EVENT(status) == PTRACE_EVENT_STOP) {
		*stop = REMOTE_STOPPED;
		return 0;
	}
	*stop = REMOTE_SIGNALLED;
	return request(PTRACE_GETSIGINFO, r->tid, 0, (uintptr_t)info);
}

int remote_resume_with(struct remote *r, int sig)
{
	return request(PTRACE_CONT, r->tid, 0, (unsigned long)sig);
}

int remote_detach_with(struct remote *r, int sig)
{
	return request(PTRACE_DETACH, r->tid, 0, (unsigned long)sig);
}

int remote_detach(struct remote *r)
{
	return remote_detach_with(r, 0);
}

int remote_set_options(struct remote *r, unsigned int options)
{
	return request(PTRACE_SETOPTIONS, r->tid, 0, options);
}

int remote_resume(struct remote *r)
{
	return request(PTRACE_CONT, r->tid, 0, 0);
}

int remote_wait_exit(struct remote *r)
{
	int status;
	int err;

	while (!(err = wait_status(r, &status))) {
		err = request(PTRACE_CONT, r->tid, 0, 0);
		if (err && err != -ESRCH)
			return err;
	}
	return err == -ESRCH ? 0 : err;
}

int remote_check_running(struct remote *r)
{
	int status;
	pid_t pid = waitpid(r->tid, &status, __WALL | WNOHANG);

	if (pid == 0)
		return 0;
	if (pid < 0 || !WIFSTOPPED(status))
		return -ESRCH;
	return EVENT(status) == PTRACE_EVENT_STOP ? remote_resume(r) : -EIO;
}

int remote_get_regs(const struct remote *r, struct remote_regs *regs)
{
	return request(PTRACE_GETREGS, r->tid, 0, (uintptr_t)regs);
}

int remote_set_regs(struct remote *r, const struct remote_regs *regs)
{
	return request(PTRACE_SETREGS, r->tid, 0, (uintptr_t)regs);
}

int remote_get_sigmask(const struct remote *r, uint64_t *mask)
{
	return request(PTRACE_GETSIGMASK, r->tid, sizeof(*mask), (uintptr_t)mask);
}

int remote_set_sigmask(struct remote *r, uint64_t mask)
{
	return request(PTRACE_SETSIGMASK, r->tid, sizeof(mask), (uintptr_t)&mask);
}

int remote_read(pid_t tid, uint64_t addr, void *buf, size_t bytes)
{
	struct iovec local = { buf, bytes };
	struct iovec remote = { (void *)(uintptr_t)addr, bytes };
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EFAULT;
}

int remote_write(pid_t tid, uint64_t addr, const void *buf, size_t bytes)
{
	struct iovec local = { (void *)(uintptr_t)buf, bytes };
	struct iovec remote = { (void *)(uintptr_t)addr, bytes };
	ssize_t n;

	step();
	n = process_vm_writev(tid, &local, 1, &remote, 1, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EFAULT;
}

int remote_peek(const struct remote *r, uint64_t addr, void *buf, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += sizeof(long)) {
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, r->tid, addr + i, 0);
		if (errno)
			return -errno;
		memcpy((char *)buf + i, &word, sizeof(word));
	}
	return 0;
}

int remote_poke(struct remote *r, uint64_t addr, const void *buf, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += sizeof(unsigned long)) {
		unsigned long word;
		int err;

		memcpy(&word, (const char *)buf + i, sizeof(word));
		err = request(PTRACE_POKEDATA, r->tid, addr + i, word);
		if (err)
			return err;
	}
	return 0;
}

int remote_run_to_syscall(struct remote *r)
{
	for (;;) {
		int status;
		int err = request(PTRACE_SYSCALL, r->tid, 0, 0);

		if (!err)
			err = wait_status(r, &status);
		if (err)
			return err;
		if (WSTOPSIG(status) == SYSCALL_STOP)
			return 0;
		if (EVENT(status) == PTRACE_EVENT_CLONE) {
			unsigned long child;

			err = request(PTRACE_GETEVENTMSG, r->tid, 0, (uintptr_t)&child);
			if (err)
				return err;
			r->child = (pid_t)child;
		} else if (EVENT(status) != PTRACE_EVENT_STOP) {
			return -EIO;
		}
	}
}
