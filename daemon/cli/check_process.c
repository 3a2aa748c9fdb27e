// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/check.h"
#include "kernel/breakpoint.h"
#include "kernel/connector.h"

#define CONNECTOR_WAIT_MS 500

static void probe_pidfd_getfd(const struct check *check, struct finding *finding)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int fd;

	(void)check;
	if (pidfd < 0) {
		check_failed(finding, -errno);
		return;
	}
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, STDERR_FILENO, 0);
	if (fd < 0)
		check_failed(finding, -errno);
	else
		close(fd);
	close(pidfd);
}

static void probe_kcmp(const struct check *check, struct finding *finding)
{
	(void)check;
	if (syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0))
		check_failed(finding, -errno);
}

static void probe_vm_readv(const struct check *check, struct finding *finding)
{
	char from = 1, to = 0;
	const struct iovec local = { &to, 1 }, remote = { &from, 1 };

	(void)check;
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != 1)
		check_failed(finding, -errno);
}

static void probe_breakpoint(const struct check *check, struct finding *finding)
{
	(void)check;
	if (!breakpoint_fires())
		check_found(finding, CHECK_MISSING, "they do not fire (a hypervisor's?)");
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* Yama's value; -1 without Yama. */
static int ptrace_scope(void)
{
	FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &scope) != 1)
		scope = -1;
	fclose(file);
	return scope;
}

static void probe_ptrace(const struct check *check, struct finding *finding)
{
	int scope = ptrace_scope();
	pid_t child = fork();

	(void)check;
	if (child < 0) {
		check_failed(finding, -errno);
		return;
	}
	if (!child) {
		pause();
		_exit(0);
	}
	if (ptrace(PTRACE_SEIZE, child, 0, 0))
		check_failed(finding, -errno);
	if (scope >= 0 && finding->result == CHECK_OK)
		check_found(finding, CHECK_OK, "yama ptrace_scope is %d", scope);
	else if (scope > 0)
		check_found(finding, finding->result, "yama ptrace_scope is %d", scope);
	end_child(child);
}

static _Noreturn void filtered_child(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	if (ptrace(PTRACE_TRACEME, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(errno);
	raise(SIGSTOP);
	_exit(0);
}

static void probe_seccomp(const struct check *check, struct finding *finding)
{
	pid_t child = fork();
	int status;

	(void)check;
	if (child < 0) {
		check_failed(finding, -errno);
		return;
	}
	if (!child)
		filtered_child();
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
		check_failed(finding, WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD);
		return;
	}
	if (ptrace(PTRACE_SECCOMP_GET_FILTER, child, 0, NULL) < 0)
		check_failed(finding, -errno);
	end_child(child);
}

/* Whether the fork of child is told within the time. */
static int connector_wait(int fd, pid_t child)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	struct proc_event event;

	while (poll(&poller, 1, CONNECTOR_WAIT_MS) > 0) {
		int ret = connector_read(fd, &event);

		if (ret < 0)
			return ret;
		if (ret && event.what == PROC_EVENT_FORK &&
		    event.event_data.fork.child_tgid == child)
			return 0;
	}
	return -ETIMEDOUT;
}

static void probe_connector(const struct check *check, struct finding *finding)
{
	int fd = connector_open(), err = fd < 0 ? fd : 0;
	pid_t child;

	(void)check;
	if (!err) {
		child = fork();
		if (!child)
			_exit(0);
		err = child < 0 ? -errno : connector_wait(fd, child);
		if (child > 0)
			end_child(child);
		connector_close(fd);
	}
	if (err == -ETIMEDOUT)
		check_found(finding, CHECK_MISSING, "no event arrives (a container?)");
	else if (err)
		check_failed(finding, err);
}

const struct check checks_process[] = {
	{ "ptrace", CHECK_NEED_ALWAYS, "the agent cannot be placed in a program", probe_ptrace, 0 },
	{ "seccomp filters", CHECK_NEED_FULL,
	  "that a program's filter forbids the agent is only found by trying", probe_seccomp, 0 },
	{ "pidfd_getfd", CHECK_NEED_FULL, "a new daemon cannot take over from a dead one",
	  probe_pidfd_getfd, 0 },
	{ "kcmp", CHECK_NEED_FULL, "exec and shared memory are told apart less surely", probe_kcmp,
	  0 },
	{ "process_vm_readv", CHECK_NEED_FULL, "looking into a program needs to stop it",
	  probe_vm_readv, 0 },
	{ "breakpoints", CHECK_NEED_FULL,
	  "a thread in a call that would notice a stop is waited for", probe_breakpoint, 0 },
	{ "proc connector", CHECK_NEED_FULL, "children are noticed some milliseconds later",
	  probe_connector, 0 },
	{ 0 },
};
