// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/channel.h"

/* As many descriptors as are open now, and these more. */
static void leave(rlim_t nr, const struct rlimit *old)
{
	int next = fcntl(STDERR_FILENO, F_DUPFD, 0);
	struct rlimit lim = { (rlim_t)next + nr, old->rlim_max };

	assert_true(next >= 0);
	close(next);
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &lim));
}

/*
 * Regression: the first of two descriptors came, the second did not, and an
 * agent whose end nobody could see was taken for one that lives.
 */
static void test_no_room_for_all(void **state)
{
	int pair[2], sent[2] = { STDIN_FILENO, STDOUT_FILENO }, got[CHANNEL_FDS_MAX], next;
	struct rlimit old;
	char byte = 1;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	for (rlim_t room = 0; room < 3; room++) {
		assert_int_equal(0, channel_send(pair[0], &byte, 1, sent, 2));
		leave(room, &old);
		next = channel_recv(pair[1], &byte, 1, got);
		setrlimit(RLIMIT_NOFILE, &old);
		assert_int_equal(room < 2 ? -EMFILE : 0, next);
		for (int i = 0; i < CHANNEL_FDS_MAX; i++)
			assert_int_equal(room == 2 && i < 2, got[i] >= 0);
	}
	close(got[0]);
	close(got[1]);
	/* Nor was one left open. */
	next = fcntl(STDERR_FILENO, F_DUPFD, 0);
	assert_int_equal(got[0], next);
	close(next);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_room_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
