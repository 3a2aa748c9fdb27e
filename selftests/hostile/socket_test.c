// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * What a user may send, and not take, keeps nobody else from the daemon.
 */
#include "selftests/hostile/user.h"

#include <arpa/inet.h>
#include <sys/ioctl.h>

#include <kselftest_harness.h>

#define LINGER_S    40
#define CONNECTIONS 70
#define REQUESTS    8000
#define UNREAD_MAX  (1 << 20)

PAGER_FIXTURE(hostile_socket)

/* Runs as the user; what it returns is true for his process's good status. */
static pid_t user_runs(struct pager *pg, bool (*fn)(void))
{
	pid_t child;

	user_pager = pg;
	user_admit(pg);
	fflush(NULL);
	child = fork();
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	_exit(!(user_become() && fn()));
}

/* It has done what it has to, and stays. */
static bool has_stopped(pid_t user)
{
	int status = -1;

	return wait_until(20, waitpid(user, &status, WNOHANG | WUNTRACED) == user) &&
	       WIFSTOPPED(status);
}

/* A TCP connection with unsent data, whose last close waits. */
static int lingering_socket(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger linger = { 1, LINGER_S };
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);
	static char data[65536];

	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) ||
	    connect(fd, (struct sockaddr *)&addr, len) || accept(listener, NULL, NULL) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return -1;
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	return fd;
}

static bool send_with(int to, int nr_fds)
{
	int fd[PROTO_FDS_MAX];
	struct upager_request req;
	bool sent;

	proto_init_request(&req, UPAGER_OP_PING, 0);
	for (int i = 0; i < nr_fds - 1; i++)
		fd[i] = dup(STDIN_FILENO);
	fd[nr_fds - 1] = lingering_socket();
	sent = fd[nr_fds - 1] >= 0 && !proto_send_fds(to, &req, sizeof(req), fd, (uint32_t)nr_fds);
	for (int i = 0; i < nr_fds; i++)
		close(fd[i]);
	return sent;
}

/*
 * The daemon stands still meanwhile, so that it has the last reference: to one that
 * comes as it should, to one too many, and to one behind a packet that ends the connection.
 */
static bool send_lingering(void)
{
	int one = user_connect(), two = user_connect(), queued = user_connect();

	return send_with(one, 1) && send_with(two, 2) && send(queued, "bad", 3, 0) == 3 &&
	       send_with(queued, 1) && !kill(getpid(), SIGSTOP);
}

/* Regression: the main thread closed what came too much, or unread, and waited. */
TEST_F_TIMEOUT(hostile_socket, sends_what_lingers, 90)
{
	struct target v = victim_start(&self->pager);
	pid_t user;

	ASSERT_EQ(0, kill(self->pager.pid, SIGSTOP));
	user = user_runs(&self->pager, send_lingering);
	EXPECT_TRUE(has_stopped(user));
	ASSERT_EQ(0, kill(self->pager.pid, SIGCONT));
	EXPECT_TRUE(root_is_answered(&self->pager));
	EXPECT_TRUE(victim_goes_on(&v));
	kill(user, SIGKILL);
	EXPECT_EQ(0, victim_end(&v));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static bool hold_connections(void)
{
	struct upager *u = NULL;

	for (int i = 0; i < CONNECTIONS; i++)
		if (user_connect() < 0)
			return false;
	/* There is a limit, which is told. */
	if (upager_open(user_pager->socket, &u) || upager_ping(u, NULL) != -EUSERS)
		return false;
	return !kill(getpid(), SIGSTOP);
}

/* Regression: sixty-four that said nothing kept out everybody, and a fifth of a processor. */
TEST_F_TIMEOUT(hostile_socket, connects_and_says_nothing, 60)
{
	pid_t user = user_runs(&self->pager, hold_connections);

	EXPECT_TRUE(has_stopped(user));
	EXPECT_TRUE(root_is_answered(&self->pager));
	kill(user, SIGKILL);
	waitpid(user, NULL, 0);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Asks without end; what waits to be read is the measure. */
static bool read_nothing(void)
{
	int fd = user_connect(), nr = 0, unread = 0;

	while (nr < REQUESTS && user_send(fd, UPAGER_OP_PING, 0))
		nr++;
	for (struct upager_record packet; recv(fd, &packet, sizeof(packet), 0) > 0;)
		unread += (int)sizeof(packet);
	fprintf(stderr, "# %d requests, %d bytes unread\n", nr, unread);
	return unread < UNREAD_MAX;
}

/* Regression: eight megabytes of answers were kept for each connection, and no end of them. */
TEST_F_TIMEOUT(hostile_socket, takes_no_answers, 120)
{
	pid_t user = user_runs(&self->pager, read_nothing);
	int status = -1;

	EXPECT_TRUE(root_is_answered(&self->pager));
	EXPECT_TRUE(wait_until(60, waitpid(user, &status, WNOHANG) == user));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
