// SPDX-License-Identifier: GPL-2.0-only
/* Messages of the kernel module that are not as they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/module.c"
#include "kernel/module_events.c"

/* One attribute, of a type and a length, whose bytes are all 0xff; it is the last. */
static struct nl_msg *message(int type, int bytes)
{
	uint8_t data[64];
	struct nl_msg *msg = nlmsg_alloc();

	assert_non_null(msg);
	assert_non_null(genlmsg_put(msg, 0, 0, 20, 0, 0, UPAGER_CMD_FORK, 1));
	memset(data, 0xff, sizeof(data));
	assert_int_equal(nla_put(msg, type, bytes, data), 0);
	return msg;
}

/* Regression: it was read beyond its end. */
static void test_short_answer(void **state)
{
	static const int types[] = { UPAGER_A_VERSION, UPAGER_A_FEATURES, UPAGER_A_NR_TRACKED,
				     UPAGER_A_TRACKED_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int whole = types[i] == UPAGER_A_FEATURES ? 8 : 4;

		for (int bytes = 0; bytes <= whole; bytes++) {
			struct module m = { 0 }, none = { 0 };
			struct answer a = { .module = &m };
			struct nl_msg *msg = message(types[i], bytes);

			on_message(msg, &a);
			nlmsg_free(msg);
			assert_int_equal(a.error, bytes < whole ? -EBADMSG : 0);
			assert_int_equal(!memcmp(&m, &none, sizeof(m)), bytes < whole);
		}
	}
}

static void count(void *context, const struct module_event *event)
{
	(void)event;
	++*(int *)context;
}

static void test_short_event(void **state)
{
	(void)state;
	for (int bytes = 0; bytes <= 4; bytes++) {
		int nr = 0;
		struct reader r = { count, &nr };
		struct nl_msg *msg = message(UPAGER_A_PID, bytes);

		on_event(msg, &r);
		nlmsg_free(msg);
		assert_int_equal(nr, bytes == 4);
	}
}

/* A bitmap of another length than was asked for is none. */
static void test_bitmap_length(void **state)
{
	(void)state;
	for (int bytes = 0; bytes < 16; bytes++) {
		uint64_t bits[2] = { 0 };
		struct answer a = { .bits = bits, .bytes = 8 };
		struct nl_msg *msg = message(UPAGER_A_PINNED, bytes);

		on_message(msg, &a);
		nlmsg_free(msg);
		assert_int_equal(a.pinned, bytes == 8);
		assert_true(bits[0] == (bytes == 8 ? UINT64_MAX : 0) && !bits[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_answer),
		cmocka_unit_test(test_short_event),
		cmocka_unit_test(test_bitmap_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
