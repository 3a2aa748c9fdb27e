// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/proto.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

static struct upager_request request(enum upager_op op, int32_t pid)
{
	struct upager_request req;

	proto_init_request(&req, op, pid);
	return req;
}

static int check(struct upager_request req)
{
	struct upager_request out;
	int err = proto_take_request(&out, &req, sizeof(req));

	if (!err)
		assert_memory_equal(&out, &req, sizeof(req));
	return err;
}

static void test_request_valid(void **state)
{
	struct upager_request req = request(UPAGER_OP_ATTACH, 1);

	(void)state;
	assert_int_equal(check(req), 0);
	req.flags = UPAGER_ATTACH_WATCH | UPAGER_ATTACH_FAMILY;
	req.budget_bytes = UINT64_MAX;
	assert_int_equal(check(req), 0);
	assert_int_equal(check(request(UPAGER_OP_DETACH, 4194304)), 0);
	assert_int_equal(check(request(UPAGER_OP_BUDGET, 7)), 0);
	assert_int_equal(check(request(UPAGER_OP_POPULATE, 7)), 0);
	assert_int_equal(check(request(UPAGER_OP_STATUS, 0)), 0);
	assert_int_equal(check(request(UPAGER_OP_STATUS, 7)), 0);
	assert_int_equal(check(request(UPAGER_OP_PING, 0)), 0);
}

static void test_request_size(void **state)
{
	const struct upager_request whole = request(UPAGER_OP_STATUS, 7);
	uint8_t packet[UPAGER_PACKET_BYTES_MAX] = { 0 };
	struct upager_request out;

	(void)state;
	memcpy(packet, &whole, sizeof(whole));
	for (size_t len = 0; len <= sizeof(packet); len++) {
		memset(&out, 0xaa, sizeof(out));
		assert_int_equal(proto_take_request(&out, packet, len),
				 len < UPAGER_REQUEST_BYTES_MIN ? -EMSGSIZE : 0);
		if (len >= UPAGER_REQUEST_BYTES_MIN)
			assert_memory_equal(&out, &whole, sizeof(whole));
	}
	/* What is missing is zero, whatever lies there. */
	memset(packet, 0xff, sizeof(packet));
	memcpy(packet, &whole, UPAGER_REQUEST_BYTES_MIN);
	assert_int_equal(proto_take_request(&out, packet, UPAGER_REQUEST_BYTES_MIN), 0);
	assert_memory_equal(&out, &whole, sizeof(whole));
}

/* What is not known here is only then no concern if it says nothing. */
static void test_request_longer(void **state)
{
	const struct upager_request whole = request(UPAGER_OP_PING, 0);
	uint8_t packet[sizeof(whole) + 64];
	struct upager_request out;

	(void)state;
	for (size_t at = sizeof(whole); at < sizeof(packet); at++) {
		memset(packet, 0, sizeof(packet));
		memcpy(packet, &whole, sizeof(whole));
		packet[at] = 1;
		assert_int_equal(proto_take_request(&out, packet, sizeof(packet)), -E2BIG);
		assert_int_equal(proto_take_request(&out, packet, at), 0);
		packet[0]++; /* of another protocol it says nothing */
		assert_int_equal(proto_take_request(&out, packet, sizeof(packet)), -EBADMSG);
	}
}

static void test_hello(void **state)
{
	struct upager_request req = request(UPAGER_OP_HELLO, 0);

	(void)state;
	assert_int_equal(check(req), 0);
	req.arg = UINT64_MAX; /* whatever a newer client knows */
	assert_int_equal(check(req), 0);
	req.pid = 1;
	assert_int_equal(check(req), -EINVAL);
}

/* The first thing that is wrong decides, in the order of the header. */
static void test_request_order(void **state)
{
	struct upager_request req = request(UPAGER_OP_MAX + 1, -1);

	(void)state;
	req.magic = 0;
	req.version = UPAGER_PROTO_VERSION + 1;
	req.reserved32 = 1;
	{
		struct upager_request out;

		assert_int_equal(proto_take_request(&out, &req, 1), -EMSGSIZE);
	}
	assert_int_equal(check(req), -EBADMSG);
	req.magic = UPAGER_PROTO_MAGIC;
	assert_int_equal(check(req), -EPROTONOSUPPORT);
	req.version = UPAGER_PROTO_VERSION;
	assert_int_equal(check(req), -EOPNOTSUPP);
	req.op = UPAGER_OP_UNSPEC;
	assert_int_equal(check(req), -EOPNOTSUPP);
	req.op = UPAGER_OP_DETACH;
	assert_int_equal(check(req), -EINVAL);
	req.pid = 1;
	assert_int_equal(check(req), -EINVAL);
	req.reserved32 = 0;
	assert_int_equal(check(req), 0);
}

static void test_request_fields(void **state)
{
	static const enum upager_op needs_pid[] = { UPAGER_OP_ATTACH, UPAGER_OP_DETACH,
						    UPAGER_OP_BUDGET, UPAGER_OP_POPULATE };
	struct upager_request req;

	(void)state;
	for (size_t i = 0; i < NR(needs_pid); i++) {
		assert_int_equal(check(request(needs_pid[i], 0)), -EINVAL);
		assert_int_equal(check(request(needs_pid[i], -1)), -EINVAL);
	}
	assert_int_equal(check(request(UPAGER_OP_STATUS, -1)), -EINVAL);
	assert_int_equal(check(request(UPAGER_OP_PING, 1)), -EINVAL);

	for (enum upager_op op = 1; op <= UPAGER_OP_PING; op++) {
		bool has_budget = op == UPAGER_OP_ATTACH || op == UPAGER_OP_BUDGET;

		for (unsigned int bit = 0; bit < 32; bit++) {
			bool known = op == UPAGER_OP_ATTACH && bit < 3;

			req = request(op, op == UPAGER_OP_PING ? 0 : 1);
			req.flags = 1u << bit;
			assert_int_equal(check(req), known ? 0 : -EINVAL);
		}
		req = request(op, op == UPAGER_OP_PING ? 0 : 1);
		req.budget_bytes = 1;
		assert_int_equal(check(req), has_budget ? 0 : -EINVAL);
		req.budget_bytes = 0;
		req.weight = UPAGER_WEIGHT_MAX;
		assert_int_equal(check(req), has_budget ? 0 : -EINVAL);
		req.weight++;
		assert_int_equal(check(req), -EINVAL);
	}
}

/*
 * Every byte of a valid ATTACH gets every other value: only the fields whose
 * meaning the daemon judges (pid, budget, weight), and no other, may stay valid.
 */
static void test_request_bytes(void **state)
{
	const struct upager_request good = request(UPAGER_OP_ATTACH, 0x01010101);
	const size_t op_low = offsetof(struct upager_request, op);
	const size_t pid_high = offsetof(struct upager_request, pid) + 3;

	(void)state;
	for (size_t at = 0; at < sizeof(good); at++)
		for (unsigned int flip = 1; flip < 256; flip++) {
			union {
				struct upager_request req;
				uint8_t byte[sizeof(struct upager_request)];
			} u = { .req = good };
			int want = -EINVAL;

			u.byte[at] ^= (uint8_t)flip;
			if (at < offsetof(struct upager_request, version))
				want = -EBADMSG;
			else if (at < op_low)
				want = -EPROTONOSUPPORT;
			else if (at < offsetof(struct upager_request, flags))
				want = at == op_low && u.byte[at] && u.byte[at] <= UPAGER_OP_MAX
					       ? 0
					       : -EOPNOTSUPP;
			else if (at < offsetof(struct upager_request, pid))
				want = at == offsetof(struct upager_request, flags) && flip < 8
					       ? 0
					       : -EINVAL;
			else if (at >= offsetof(struct upager_request, weight) &&
				 at < offsetof(struct upager_request, reserved32))
				want = u.req.weight <= UPAGER_WEIGHT_MAX ? 0 : -EINVAL;
			else if (at < offsetof(struct upager_request, addr))
				want = at == pid_high && flip & 0x80 ? -EINVAL : 0;
			/* These have no pid. */
			if (at == op_low && u.byte[at] >= UPAGER_OP_PING &&
			    u.byte[at] <= UPAGER_OP_MAX && u.byte[at] != UPAGER_OP_STALL)
				want = -EINVAL;
			assert_int_equal(check(u.req), want);
		}
}

static void test_reply(void **state)
{
	struct upager_reply reply;

	(void)state;
	proto_init_reply(&reply);
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), 0);
	for (size_t len = 0; len < 2 * sizeof(reply); len++)
		assert_int_equal(proto_check_reply(&reply, len),
				 len < sizeof(reply) ? -EMSGSIZE : 0);

	reply.error = -4095;
	reply.exit_code = UPAGER_EXIT_KERNEL;
	reply.nr_records = UINT32_MAX;
	reply.stopped_ns = UINT64_MAX;
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), 0);
	reply.error = -4096;
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), -EBADMSG);
	reply.error = INT32_MIN;
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), -EBADMSG);
	reply.error = 1;
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), -EBADMSG);
	reply.error = 0;
	/* What a newer daemon says and has no name here. */
	reply.exit_code = UPAGER_EXIT_KERNEL + 1;
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), 0);
	reply.exit_code = 0;

	memset(reply.text, 'x', sizeof(reply.text));
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), -EBADMSG);
	reply.text[sizeof(reply.text) - 1] = '\0';
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), 0);
	for (size_t i = 0; i < NR(reply.reserved); i++) {
		reply.reserved[i] = 1ull << 63;
		assert_int_equal(proto_check_reply(&reply, sizeof(reply)), 0);
		reply.reserved[i] = 0;
	}
	reply.version++;
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), -EPROTONOSUPPORT);
	reply.magic ^= 1;
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), -EBADMSG);
}

static void test_record(void **state)
{
	struct upager_record record = { .pid = 1, .state = UPAGER_PROC_REFUSED };

	(void)state;
	assert_int_equal(proto_check_record(&record, sizeof(record)), 0);
	assert_int_equal(proto_check_record(&record, sizeof(record) - 1), -EMSGSIZE);
	assert_int_equal(proto_check_record(&record, sizeof(record) + 1), 0);
	/* Of a newer daemon. */
	record.state++;
	record.reserved32 = 1;
	assert_int_equal(proto_check_record(&record, sizeof(record)), 0);
	memset(record.comm, 'c', sizeof(record.comm));
	assert_int_equal(proto_check_record(&record, sizeof(record)), -EBADMSG);
	record.comm[15] = '\0';
	memset(record.text, 't', sizeof(record.text));
	assert_int_equal(proto_check_record(&record, sizeof(record)), -EBADMSG);
	record.text[239] = '\0';
	assert_int_equal(proto_check_record(&record, sizeof(record)), 0);
}

static void test_where(void **state)
{
	struct upager_where good = { .addr = 4096, .bytes = 10 * 4096, .nr_parts = 4 }, w;
	struct upager_request req = request(UPAGER_OP_WHERE, 1);

	(void)state;
	assert_int_equal(check(req), -EINVAL);
	req.addr = good.addr;
	req.bytes = good.bytes;
	req.arg = UPAGER_WHERE_PARTS;
	assert_int_equal(check(req), 0);
	req.arg++;
	assert_int_equal(check(req), -EINVAL);
	/* Parts of 10 pages: 2, 3, 2, 3. */
	good.part[0].swapped_pages = 2;
	good.part[1].standby_pages = good.part[1].swapped_pages = good.part[1].lost_pages = 1;
	good.part[3].lost_pages = 3;
	assert_int_equal(proto_check_where(&good, sizeof(good)), 0);
	assert_int_equal(proto_check_where(&good, sizeof(good) - 1), -EMSGSIZE);
	w = good;
	w.part[0].lost_pages = 1;
	assert_int_equal(proto_check_where(&w, sizeof(w)), -EBADMSG);
	w = good;
	w.part[2].standby_pages = UINT32_MAX;
	w.part[2].swapped_pages = 1;
	assert_int_equal(proto_check_where(&w, sizeof(w)), -EBADMSG);
	w = good;
	w.part[4].swapped_pages = 1;
	assert_int_equal(proto_check_where(&w, sizeof(w)), -EBADMSG);
	w = good;
	w.part[9].reserved32 = w.reserved32 = 1;
	assert_int_equal(proto_check_where(&w, sizeof(w) + 8), 0);
	w = good;
	w.nr_parts = UPAGER_WHERE_PARTS + 1;
	assert_int_equal(proto_check_where(&w, sizeof(w)), -EBADMSG);
	w.nr_parts = 0;
	assert_int_equal(proto_check_where(&w, sizeof(w)), -EBADMSG);
	w = good;
	w.bytes = 0;
	assert_int_equal(proto_check_where(&w, sizeof(w)), -EBADMSG);
	w.bytes = 1;
	assert_int_equal(proto_check_where(&w, sizeof(w)), -EBADMSG);
}

static void test_stall(void **state)
{
	const struct upager_stall good = { .pid = 7,
					   .some_avg10 = 10000,
					   .some_avg60 = 10000,
					   .some_avg300 = 10000,
					   .some_total_us = UINT64_MAX,
					   .full_avg10 = 10000,
					   .full_avg60 = 10000,
					   .full_avg300 = 10000,
					   .full_total_us = UINT64_MAX };
	struct upager_stall bad;

	(void)state;
	assert_int_equal(check(request(UPAGER_OP_STALL, 0)), 0);
	assert_int_equal(check(request(UPAGER_OP_STALL, 7)), 0);
	assert_int_equal(check(request(UPAGER_OP_STALL, -1)), -EINVAL);
	assert_int_equal(proto_check_stall(&good, sizeof(good)), 0);
	assert_int_equal(proto_check_stall(&good, sizeof(good) - 1), -EMSGSIZE);
	for (int field = 0; field < 7; field++) {
		bad = good;
		bad.pid = field == 0 ? -1 : 7;
		bad.some_avg10 += field == 1;
		bad.some_avg60 += field == 2;
		bad.some_avg300 += field == 3;
		bad.full_avg10 += field == 4;
		bad.full_avg60 += field == 5;
		bad.full_avg300 += field == 6;
		assert_int_equal(proto_check_stall(&bad, sizeof(bad)), -EBADMSG);
	}
	bad = good;
	bad.reserved = 1;
	assert_int_equal(proto_check_stall(&bad, sizeof(bad) + 8), 0);
}

static void test_text(void **state)
{
	struct upager_reply reply;
	char longer[2 * UPAGER_TEXT_BYTES];

	(void)state;
	proto_init_reply(&reply);
	proto_text(&reply, "no process %d", 12);
	assert_string_equal(reply.text, "no process 12");
	memset(longer, 'y', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	proto_text(&reply, "%s", longer);
	assert_int_equal(strlen(reply.text), UPAGER_TEXT_BYTES - 1);
	assert_int_equal(proto_check_reply(&reply, sizeof(reply)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_valid),  cmocka_unit_test(test_request_size),
		cmocka_unit_test(test_request_longer), cmocka_unit_test(test_hello),
		cmocka_unit_test(test_request_order),  cmocka_unit_test(test_request_fields),
		cmocka_unit_test(test_request_bytes),  cmocka_unit_test(test_reply),
		cmocka_unit_test(test_record),	       cmocka_unit_test(test_where),
		cmocka_unit_test(test_stall),	       cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
