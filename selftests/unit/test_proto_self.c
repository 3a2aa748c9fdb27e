// SPDX-License-Identifier: GPL-2.0-only
/* Packets of a process that is paged by itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/proto.h"

#define PAGE 4096ull

static int take(const struct upager_request *req)
{
	struct upager_request out;

	return proto_take_request(&out, req, sizeof(*req));
}

static int check(enum upager_op op, int32_t pid, uint64_t addr, uint64_t bytes, uint64_t arg)
{
	struct upager_request req;

	proto_init_request(&req, op, pid);
	req.addr = addr;
	req.bytes = bytes;
	req.arg = arg;
	return take(&req);
}

static void test_ranges(void **state)
{
	static const enum upager_op ops[] = { UPAGER_OP_REGISTER, UPAGER_OP_UNREGISTER,
					      UPAGER_OP_ADVISE };

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		enum upager_op op = ops[i];

		assert_int_equal(check(op, 0, PAGE, PAGE, 0), 0);
		assert_int_equal(check(op, 0, 0, PAGE, 0), 0);
		assert_int_equal(check(op, 0, 0, 1ull << 57, 0), 0);
		assert_int_equal(check(op, 1, PAGE, PAGE, 0), -EINVAL);
		assert_int_equal(check(op, 0, PAGE, 0, 0), -EINVAL);
		assert_int_equal(check(op, 0, PAGE + 1, PAGE, 0), -EINVAL);
		assert_int_equal(check(op, 0, PAGE, PAGE - 1, 0), -EINVAL);
		assert_int_equal(check(op, 0, PAGE, 1ull << 57, 0), -EINVAL);
		assert_int_equal(check(op, 0, (1ull << 57) + PAGE, PAGE, 0), -EINVAL);
		/* Their sum is small again. */
		assert_int_equal(check(op, 0, -PAGE, 2 * PAGE, 0), -EINVAL);
		assert_int_equal(check(op, 0, 2 * PAGE, -PAGE, 0), -EINVAL);
		assert_int_equal(check(op, 0, PAGE, PAGE, 1), op == UPAGER_OP_ADVISE ? 0 : -EINVAL);
	}
	assert_int_equal(check(UPAGER_OP_ADVISE, 0, PAGE, PAGE, UPAGER_ADVICE_MAX), 0);
	assert_int_equal(check(UPAGER_OP_ADVISE, 0, PAGE, PAGE, UPAGER_ADVICE_MAX + 1), -EINVAL);
}

static void test_joining(void **state)
{
	struct upager_request req;

	(void)state;
	proto_init_request(&req, UPAGER_OP_JOIN, 0);
	assert_int_equal(take(&req), 0);
	req.budget_bytes = UINT64_MAX;
	assert_int_equal(take(&req), 0);
	req.op = UPAGER_OP_STARTED;
	assert_int_equal(take(&req), -EINVAL);
	assert_int_equal(check(UPAGER_OP_JOIN, 1, 0, 0, 0), -EINVAL);
	assert_int_equal(check(UPAGER_OP_JOIN, 0, PAGE, 0, 0), -EINVAL);
	assert_int_equal(check(UPAGER_OP_STARTED, 0, 0, 0, 0), 0);
	assert_int_equal(check(UPAGER_OP_STARTED, 0, PAGE, 0, 0), -EINVAL);
	assert_int_equal(check(UPAGER_OP_PROVISIONED, 0, PAGE, 0, UPAGER_PROVISION_NRS(1, 2, 3, 4)),
			 0);
	assert_int_equal(check(UPAGER_OP_PROVISIONED, 0, PAGE, PAGE, 0), -EINVAL);
	assert_int_equal(check(UPAGER_OP_PROVISIONED, 0, PAGE, 0, 1ull << 63), -EINVAL);
	for (enum upager_op op = UPAGER_OP_JOIN; op <= UPAGER_OP_ADVISE; op++) {
		proto_init_request(&req, op, 0);
		req.addr = op == UPAGER_OP_JOIN || op == UPAGER_OP_STARTED ? 0 : PAGE;
		req.bytes = op >= UPAGER_OP_REGISTER ? PAGE : 0;
		assert_int_equal(take(&req), 0);
		req.flags = 1;
		assert_int_equal(take(&req), -EINVAL);
		req.flags = 0;
		req.reserved32 = 1;
		assert_int_equal(take(&req), -EINVAL);
	}
}

static void test_descriptor_numbers(void **state)
{
	const uint64_t nrs = UPAGER_PROVISION_NRS(0x7fff, 0, 0x1234, 0x7ffe);

	(void)state;
	assert_int_equal(UPAGER_PROVISION_NR(nrs, 0), 0x7fff);
	assert_int_equal(UPAGER_PROVISION_NR(nrs, 1), 0);
	assert_int_equal(UPAGER_PROVISION_NR(nrs, 2), 0x1234);
	assert_int_equal(UPAGER_PROVISION_NR(nrs, 3), 0x7ffe);
}

static struct upager_provision provision(void)
{
	return (struct upager_provision){
		.hint = 16 * PAGE,
		.bytes = 20 * PAGE,
		.ctl_bytes = 4 * PAGE,
		.code = 4 * PAGE,
		.code_bytes = 2 * PAGE,
		.stack = 7 * PAGE,
		.stack_bytes = 4 * PAGE,
		.staging = 12 * PAGE,
		.staging_bytes = 8 * PAGE,
		.entry = 4 * PAGE + 5,
		.start = 4 * PAGE - 16,
	};
}

static int check_provision(struct upager_provision o)
{
	return proto_check_provision(&o, sizeof(o));
}

/* What a library maps over its program's memory is looked at twice. */
static void test_provision(void **state)
{
	struct upager_provision o = provision();

	(void)state;
	assert_int_equal(proto_check_provision(&o, sizeof(o) - 1), -EMSGSIZE);
	assert_int_equal(check_provision(o), 0);
	o.flags = UPAGER_PROVISION_HAS_UFFD;
	o.hint = 0;
	assert_int_equal(check_provision(o), 0);
#define WRONG(field, value)                                     \
	do {                                                    \
		o = provision();                                \
		o.field = (value);                              \
		assert_int_equal(check_provision(o), -EBADMSG); \
	} while (0)
	WRONG(flags, 2);
	WRONG(reserved32, 1);
	WRONG(reserved[3], 1);
	WRONG(hint, 1);
	WRONG(bytes, 20 * PAGE - 1);
	WRONG(bytes, 19 * PAGE);
	WRONG(bytes, 1ull << 40);
	WRONG(ctl_bytes, 0);
	WRONG(ctl_bytes, 5 * PAGE);
	WRONG(code, 3 * PAGE);
	WRONG(code_bytes, 4 * PAGE);
	WRONG(stack, 5 * PAGE);
	WRONG(stack_bytes, 1ull << 63);
	WRONG(stack, 0);
	WRONG(staging, 13 * PAGE);
	WRONG(staging, -PAGE);
	WRONG(staging_bytes, 0);
	WRONG(entry, 4 * PAGE - 1);
	WRONG(entry, 6 * PAGE);
	WRONG(start, 4 * PAGE);
}

/* As many as an provision has arrive in order; with more all are for the caller to close. */
static void test_many_descriptors(void **state)
{
	int pair[2], pipes[2], got[PROTO_FDS_MAX], sent[PROTO_FDS_MAX + 1];
	char byte = 'f';

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i <= PROTO_FDS_MAX; i++)
		sent[i] = pipes[1];
	assert_int_equal(proto_send_fds(pair[0], &byte, 1, sent, PROTO_FDS_MAX + 1), -EINVAL);
	assert_int_equal(proto_send_fds(pair[0], &byte, 1, sent, PROTO_FDS_MAX), 0);
	assert_int_equal(proto_recv_fds(pair[1], &byte, 1, got, PROTO_FDS_MAX), 1);
	for (int i = 0; i < PROTO_FDS_MAX; i++) {
		assert_int_equal(write(got[i], &byte, 1), 1);
		close(got[i]);
	}
	assert_int_equal(proto_send_fds(pair[0], &byte, 1, sent, 3), 0);
	assert_int_equal(proto_recv_fds(pair[1], &byte, 1, got, 2), -EBADMSG);
	assert_true(got[0] >= 0 && got[1] >= 0);
	close(got[0]);
	close(got[1]);
	close(pipes[1]);
	/* Nobody has the other end any more. */
	for (int i = 0; i < PROTO_FDS_MAX; i++)
		assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_joining),
		cmocka_unit_test(test_descriptor_numbers),
		cmocka_unit_test(test_provision),
		cmocka_unit_test(test_many_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
