// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * What pages itself is believed nothing: wrong descriptors, steps out of order
 * and connections that end halfway are refused, and nobody else notices.
 */
#include "selftests/control/self.h"

#include <arpa/inet.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "control/proto.h"

#include <kselftest_harness.h>

SELF_FIXTURE(self_hostile)

/* A client that speaks for itself. */
struct raw {
	int sock;
	struct upager_provision provision;
	int fd[UPAGER_PROVISION_FDS];
	char *base;
	struct upager_reply reply;
};

static bool raw_open(struct raw *r)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	*r = (struct raw){ .fd = { -1, -1, -1, -1, -1, -1 } };
	strcpy(addr.sun_path, self_pager->socket);
	r->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return !connect(r->sock, (struct sockaddr *)&addr, sizeof(addr));
}

static void raw_close(struct raw *r)
{
	for (int i = 0; i < UPAGER_PROVISION_FDS; i++)
		if (r->fd[i] >= 0)
			close(r->fd[i]);
	close(r->sock);
	if (r->base)
		munmap(r->base, r->provision.bytes);
}

static bool raw_send(struct raw *r, enum upager_op op, uint64_t addr, uint64_t arg, const int *fd,
		     uint32_t nr_fds)
{
	struct upager_request req;

	proto_init_request(&req, op, 0);
	req.addr = addr;
	req.arg = arg;
	return !proto_send_fds(r->sock, &req, sizeof(req), fd, nr_fds);
}

static int raw_answer(struct raw *r)
{
	int n = proto_recv(r->sock, &r->reply, sizeof(r->reply), NULL);

	return n <= 0 ? -EPIPE : proto_check_reply(&r->reply, (size_t)n) ?: r->reply.error;
}

static int raw_ask(struct raw *r, enum upager_op op, uint64_t addr, uint64_t arg, int fd)
{
	return raw_send(r, op, addr, arg, &fd, fd >= 0) ? raw_answer(r) : -EPIPE;
}

/* As far as a userfaultfd is asked for; with the reservation mapped. */
static bool raw_join(struct raw *r)
{
	int n;

	if (!raw_open(r) || raw_ask(r, UPAGER_OP_JOIN, 0, 0, -1) || r->reply.nr_records != 1)
		return false;
	n = proto_recv_fds(r->sock, &r->provision, sizeof(r->provision), r->fd,
			   UPAGER_PROVISION_FDS);
	if (n != (int)sizeof(r->provision) ||
	    proto_check_provision(&r->provision, sizeof(r->provision)))
		return false;
	r->base = mmap(NULL, r->provision.bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return r->base != MAP_FAILED;
}

static int raw_uffd(const struct raw *r)
{
	return ioctl(r->fd[UPAGER_PROVISION_UFFD], USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
}

static int raw_provisioned(struct raw *r, int uffd)
{
	return raw_ask(r, UPAGER_OP_PROVISIONED, (uintptr_t)r->base,
		       UPAGER_PROVISION_NRS(3, 4, 5, 6), uffd);
}

/* After all that: a program that behaves is paged, and gets everything back. */
static int behave(struct target_share *sh)
{
	uint8_t *p = memory_map(SELF_PAGES);
	struct upager *u = self_open();

	target_check(sh, u);
	self_ok(sh, u, upager_join(u, SELF_BUDGET));
	self_ok(sh, u, upager_register(u, p, SELF_BYTES));
	memory_fill(p, 0, SELF_PAGES, 3);
	target_check(sh, self_within(p, SELF_PAGES, SELF_BUDGET));
	self_ok(sh, u, upager_unregister(u, p, SELF_BYTES));
	target_check(sh, memory_is(p, 0, SELF_PAGES, 3));
	target_check(sh, self_status(u).pid == 0);
	upager_close(u);
	return 0;
}

/* A userfaultfd of another process, which lives on as long as its pipe is open. */
static int foreign_uffd(int device, pid_t *pid)
{
	int pair[2], fd = -1;
	char byte;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	*pid = fork();
	if (!*pid) {
		close(pair[0]);
		fd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
		proto_send(pair[1], "u", 1, fd);
		close(fd);
		while (read(pair[1], &byte, 1) < 0 && errno == EINTR)
			;
		_exit(0);
	}
	close(pair[1]);
	proto_recv(pair[0], &byte, 1, &fd);
	return fd; /* the child ends with us, who hold pair[0] */
}

#define refuse(sh, r, error, call)                                                           \
	do {                                                                                 \
		int _err = (call);                                                           \
		if (_err != (error) || !(r)->reply.text[0])                                  \
			return target_fail(sh, "line %d: %s: %d: %s", __LINE__, #call, _err, \
					   (r)->reply.text);                                 \
	} while (0)

static int wrong_userfaultfds(struct target_share *sh)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct raw r;
	int fd, pipes[2];
	pid_t pid = 0;

	target_check(sh, raw_join(&r));
	refuse(sh, &r, -EINVAL, raw_provisioned(&r, -1));
	raw_close(&r);

	target_check(sh, !pipe(pipes) && raw_join(&r));
	refuse(sh, &r, -EINVAL, raw_provisioned(&r, pipes[0]));
	raw_close(&r);

	target_check(sh, raw_join(&r));
	fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	refuse(sh, &r, -EINVAL, raw_provisioned(&r, fd));
	raw_close(&r);

	target_check(sh, raw_join(&r));
	fd = raw_uffd(&r);
	target_check(sh, fd >= 0 && !ioctl(fd, UFFDIO_API, &api));
	refuse(sh, &r, -EINVAL, raw_provisioned(&r, fd));
	raw_close(&r);
	close(fd);

	/* Whose pages could be taken out, and never come back. */
	target_check(sh, raw_join(&r));
	fd = foreign_uffd(r.fd[UPAGER_PROVISION_UFFD], &pid);
	target_check(sh, fd >= 0);
	refuse(sh, &r, -EPERM, raw_provisioned(&r, fd));
	raw_close(&r);
	close(fd);

	/* Its own, but the reservation is not what it should be. */
	target_check(sh, raw_join(&r));
	mprotect(r.base + r.provision.staging, PAGE_SIZE, PROT_READ);
	fd = raw_uffd(&r);
	refuse(sh, &r, -EPERM, raw_provisioned(&r, fd));
	raw_close(&r);
	close(fd);
	return behave(sh);
}

TEST_F_TIMEOUT(self_hostile, wrong_userfaultfds, 60)
{
	EXPECT_EQ(0, self_run(wrong_userfaultfds));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* A process that shares the memory, as an agent does, and never says that it is ready. */
static int sleep_in_memory(void *arg)
{
	(void)arg;
	/* Or the connection would not end with the program's. */
	syscall(SYS_close_range, 0, ~0U, 0);
	for (;;)
		syscall(SYS_pause);
	return 0;
}

static char agent_stack[65536] __attribute__((aligned(16)));

static pid_t false_agent(void)
{
	return clone(sleep_in_memory, agent_stack + sizeof(agent_stack), CLONE_VM | SIGCHLD, NULL);
}

static int wrong_agents(struct target_share *sh)
{
	struct raw r;
	pid_t pid;
	int fd;

	for (int i = 0; i < 4; i++) {
		int uffd;

		/* Before staging is registered, or it would wait for its event to be read. */
		pid = i == 2 ? fork() : 0;
		if (i == 2 && !pid) {
			pause();
			_exit(0);
		}
		target_check(sh, raw_join(&r));
		uffd = raw_uffd(&r);
		target_check(sh, raw_provisioned(&r, uffd) == 0);
		close(uffd);
		fd = i == 0   ? -1
		     : i == 1 ? (int)syscall(SYS_pidfd_open, getpid(), 0)
		     : i == 2 ? (int)syscall(SYS_pidfd_open, pid, 0)
			      : open("/dev/null", O_RDONLY);
		refuse(sh, &r, -EINVAL, raw_ask(&r, UPAGER_OP_STARTED, 0, 0, fd));
		if (fd >= 0)
			close(fd);
		if (pid) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		raw_close(&r);
	}
	/* Others are served while the agent does not answer; it dies then. */
	target_check(sh, raw_join(&r));
	fd = raw_uffd(&r);
	target_check(sh, raw_provisioned(&r, fd) == 0);
	close(fd);
	pid = false_agent();
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	target_check(sh, raw_send(&r, UPAGER_OP_STARTED, 0, 0, &fd, 1));
	sleep_us(50000);
	target_check(sh, !upager_ping(self_pager->client, NULL));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	refuse(sh, &r, -EIO, raw_answer(&r));
	close(fd);
	raw_close(&r);
	return behave(sh);
}

TEST_F_TIMEOUT(self_hostile, wrong_agents, 60)
{
	EXPECT_EQ(0, self_run(wrong_agents));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int out_of_order(struct target_share *sh)
{
	struct raw r, other;
	int fd, two[2];

	target_check(sh, raw_open(&r));
	refuse(sh, &r, -EINVAL, raw_ask(&r, UPAGER_OP_STARTED, 0, 0, -1));
	refuse(sh, &r, -EINVAL, raw_ask(&r, UPAGER_OP_PROVISIONED, PAGE_SIZE, 0, -1));
	raw_close(&r);

	/* Two at once from one process: the second has to wait for the first. */
	target_check(sh, raw_join(&r) && raw_open(&other));
	target_check(sh, raw_ask(&other, UPAGER_OP_JOIN, 0, 0, -1) == -EAGAIN);
	raw_close(&other);
	fd = raw_uffd(&r);
	target_check(sh, raw_provisioned(&r, fd) == 0);
	refuse(sh, &r, -EINVAL, raw_provisioned(&r, fd));
	close(fd);
	raw_close(&r);

	/* More descriptors than there is one for. */
	target_check(sh, !pipe(two) && raw_open(&r));
	target_check(sh, raw_send(&r, UPAGER_OP_JOIN, 0, 0, two, 2));
	refuse(sh, &r, -EBADMSG, raw_answer(&r));
	target_check(sh, raw_answer(&r) == -EPIPE);
	raw_close(&r);
	return behave(sh);
}

TEST_F_TIMEOUT(self_hostile, out_of_order, 60)
{
	EXPECT_EQ(0, self_run(out_of_order));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int closing_early(struct target_share *sh)
{
	int orphans = nr_orphans();

	for (int round = 0; round < 20; round++) {
		int steps = round % 4, fd = -1;
		struct raw r;
		pid_t pid = 0;

		target_check(sh, wait_until(10, raw_join(&r) || (raw_close(&r), false)));
		if (steps > 0) {
			fd = raw_uffd(&r);
			if (steps == 1)
				raw_send(&r, UPAGER_OP_PROVISIONED, (uintptr_t)r.base, 0, &fd, 1);
			else
				target_check(sh, raw_provisioned(&r, fd) == 0);
			close(fd);
		}
		if (steps == 3) {
			pid = false_agent();
			fd = (int)syscall(SYS_pidfd_open, pid, 0);
			raw_send(&r, UPAGER_OP_STARTED, 0, 0, &fd, 1);
			close(fd);
		}
		raw_close(&r);
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
	}
	target_check(sh, nr_orphans() == orphans);
	return behave(sh);
}

TEST_F_TIMEOUT(self_hostile, closing_early, 60)
{
	EXPECT_EQ(0, self_run(closing_early));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Whose close() waits, for a minute, until the other end has read what was sent. */
static int lingering_socket(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct linger linger = { .l_onoff = 1, .l_linger = 60 };
	int server = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);
	static char data[1 << 20];

	if (bind(server, (struct sockaddr *)&addr, len) || listen(server, 1) ||
	    getsockname(server, (struct sockaddr *)&addr, &len) ||
	    connect(fd, (struct sockaddr *)&addr, len) || fcntl(fd, F_SETFL, O_NONBLOCK))
		return -1;
	while (send(fd, data, sizeof(data), MSG_NOSIGNAL) > 0)
		;
	fcntl(fd, F_SETFL, 0);
	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) ? -1 : fd;
}

static int slow_to_close(struct target_share *sh)
{
	int fd = lingering_socket();
	struct raw r;

	target_check(sh, fd >= 0 && raw_join(&r));
	target_check(sh, raw_send(&r, UPAGER_OP_PROVISIONED, (uintptr_t)r.base, 0, &fd, 1));
	/* The last one that is open is the daemon's. */
	dup3(r.sock, fd, O_CLOEXEC);
	refuse(sh, &r, -EINVAL, raw_answer(&r));
	raw_close(&r);
	return behave(sh);
}

TEST_F_TIMEOUT(self_hostile, slow_to_close, 60)
{
	struct target t = target_fork(slow_to_close);

	target_let(&t, 1);
	EXPECT_EQ(0, target_end_within(&t, 30));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
