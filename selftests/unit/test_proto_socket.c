// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/proto.h"

struct pair {
	int end[2];
};

static int setup_pair(void **state)
{
	struct pair *pair = malloc(sizeof(*pair));

	if (!pair || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair->end))
		return -1;
	*state = pair;
	return 0;
}

static int teardown_pair(void **state)
{
	struct pair *pair = *state;

	close(pair->end[0]);
	close(pair->end[1]);
	free(pair);
	return 0;
}

/* The lowest free descriptor number: grows when one leaks. */
static int next_fd(void)
{
	int fd = dup(STDIN_FILENO);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static void test_send_recv(void **state)
{
	struct pair *pair = *state;
	struct upager_request sent, got;
	int fd = 0;

	proto_init_request(&sent, UPAGER_OP_PING, 0);
	assert_int_equal(proto_send(pair->end[0], &sent, sizeof(sent), -1), 0);
	assert_int_equal(proto_recv(pair->end[1], &got, sizeof(got), &fd), sizeof(got));
	assert_int_equal(fd, -1);
	assert_memory_equal(&sent, &got, sizeof(got));
}

static void test_recv_sizes(void **state)
{
	struct pair *pair = *state;
	struct upager_request got;
	char bytes[2 * sizeof(got)] = { 0 };
	int base = next_fd();

	assert_int_equal(proto_send(pair->end[0], bytes, sizeof(got) - 1, -1), 0);
	assert_int_equal(proto_recv(pair->end[1], &got, sizeof(got), NULL), sizeof(got) - 1);
	/* A longer one is refused whole, and its descriptor is not kept. */
	assert_int_equal(proto_send(pair->end[0], bytes, sizeof(got) + 1, STDIN_FILENO), 0);
	assert_int_equal(proto_recv(pair->end[1], &got, sizeof(got), NULL), -EMSGSIZE);
	assert_int_equal(next_fd(), base);
	assert_int_equal(proto_send(pair->end[0], bytes, 1, -1), 0);
	assert_int_equal(proto_recv(pair->end[1], &got, sizeof(got), NULL), 1);
}

/* Of an answer the beginning is enough. */
static void test_recv_longer_answer(void **state)
{
	struct pair *pair = *state;
	struct upager_reply sent[2], got;
	int base = next_fd();

	for (size_t len = 0; len < sizeof(sent); len++)
		((char *)sent)[len] = (char)(len * 7);
	for (size_t len = sizeof(got); len <= sizeof(sent); len += 9) {
		assert_int_equal(proto_send(pair->end[0], sent, len, STDIN_FILENO), 0);
		assert_int_equal(proto_recv_answer(pair->end[1], &got, sizeof(got)), sizeof(got));
		assert_memory_equal(&got, sent, sizeof(got));
		assert_int_equal(next_fd(), base);
	}
	assert_int_equal(proto_send(pair->end[0], sent, 7, -1), 0);
	assert_int_equal(proto_recv_answer(pair->end[1], &got, sizeof(got)), 7);
}

static void test_recv_fd(void **state)
{
	struct pair *pair = *state;
	char byte = 'f';
	int base = next_fd();
	int fd;

	assert_int_equal(proto_send(pair->end[0], &byte, 1, pair->end[0]), 0);
	assert_int_equal(proto_recv(pair->end[1], &byte, 1, &fd), 1);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);

	assert_int_equal(proto_send(pair->end[0], &byte, 1, pair->end[0]), 0);
	assert_int_equal(proto_recv(pair->end[1], &byte, 1, NULL), 1);
	assert_int_equal(next_fd(), base);
}

/* What is more than one is cut off by the kernel. */
static void test_recv_many_fds(void **state)
{
	struct pair *pair = *state;
	int base = next_fd();

	for (size_t nr = 2; nr <= 8; nr++) {
		char byte = 0;
		char control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
		struct iovec iov = { &byte, 1 };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = CMSG_SPACE(nr * sizeof(int)) };
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		int fds[8] = { 0 };
		int fd = 0;

		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
		assert_int_equal(sendmsg(pair->end[0], &msg, 0), 1);
		assert_int_equal(proto_recv(pair->end[1], &byte, 1, &fd), -EBADMSG);
		assert_int_equal(fd, -1);
		assert_int_equal(next_fd(), base);
	}
}

static void test_peer_gone(void **state)
{
	struct pair *pair = *state;
	char byte = 0;

	close(pair->end[0]);
	pair->end[0] = -1;
	assert_int_equal(proto_recv(pair->end[1], &byte, 1, NULL), 0);
	/* SIGPIPE would end this program. */
	assert_int_equal(proto_send(pair->end[1], &byte, 1, -1), -EPIPE);
}

static void test_would_block(void **state)
{
	struct pair *pair = *state;
	char packet[1024] = { 0 };
	int err = 0;

	assert_int_equal(fcntl(pair->end[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(proto_recv(pair->end[0], packet, sizeof(packet), NULL), -EAGAIN);
	for (int i = 0; i < 100000 && !err; i++)
		err = proto_send(pair->end[0], packet, sizeof(packet), -1);
	assert_int_equal(err, -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_send_recv, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_recv_sizes, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_recv_longer_answer, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_recv_fd, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_recv_many_fds, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_peer_gone, setup_pair, teardown_pair),
		cmocka_unit_test_setup_teardown(test_would_block, setup_pair, teardown_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
