// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/netlink.h>
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

#define CONNECTOR_BYTES NLMSG_LENGTH(sizeof(struct cn_msg) + sizeof(enum proc_cn_mcast_op))

static int connector_send(int fd, enum proc_cn_mcast_op op)
{
	union {
		struct nlmsghdr nl;
		char bytes[CONNECTOR_BYTES];
	} msg = { .nl = { .nlmsg_len = CONNECTOR_BYTES, .nlmsg_type = NLMSG_DONE } };
	struct cn_msg *cn = NLMSG_DATA(&msg.nl);

	cn->id.idx = CN_IDX_PROC;
	cn->id.val = CN_VAL_PROC;
	cn->len = sizeof(op);
	memcpy(cn->data, &op, sizeof(op));
	return send(fd, &msg, CONNECTOR_BYTES, 0) < 0 ? -errno : 0;
}

/* Whether the fork of child is told within the time. */
static int connector_wait(int fd, pid_t child)
{
	union {
		struct nlmsghdr nl;
		char bytes[1024];
	} buf;
	const struct cn_msg *cn = NLMSG_DATA(&buf.nl);
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	struct proc_event event;

	while (poll(&poller, 1, CONNECTOR_WAIT_MS) > 0) {
		ssize_t len = recv(fd, &buf, sizeof(buf), 0);

		if (len < 0)
			return -errno;
		if ((size_t)len < NLMSG_LENGTH(sizeof(*cn) + sizeof(event)))
			continue;
		/* The kernel puts it where eight bytes are not aligned. */
		memcpy(&event, cn->data, sizeof(event));
		if (event.what == PROC_EVENT_FORK && event.event_data.fork.child_tgid == child)
			return 0;
	}
	return -ETIMEDOUT;
}

static void probe_connector(const struct check *check, struct finding *finding)
{
	const struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	int err = fd < 0 || bind(fd, (const void *)&addr, sizeof(addr)) ? -errno : 0;
	pid_t child;

	(void)check;
	err = err ?: connector_send(fd, PROC_CN_MCAST_LISTEN);
	if (!err) {
		child = fork();
		if (!child)
			_exit(0);
		err = child < 0 ? -errno : connector_wait(fd, child);
		if (child > 0)
			end_child(child);
		connector_send(fd, PROC_CN_MCAST_IGNORE);
	}
	if (err == -ETIMEDOUT)
		check_found(finding, CHECK_MISSING, "no event arrives (a container?)");
	else if (err)
		check_failed(finding, err);
	if (fd >= 0)
		close(fd);
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
	{ "proc connector", CHECK_NEED_FULL, "fork and exec are noticed some milliseconds later",
	  probe_connector, 0 },
	{ 0 },
};
