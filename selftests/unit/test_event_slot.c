// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory/event_slot.h"

/* The daemon dies while what waits is gathered: each message is there once. */
static void test_gathering(void **state)
{
	static struct event_slot made;
	struct event_slot *slot = &made, old;

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		slot->msg[i] = (struct uffd_msg){ .event = UFFD_EVENT_UNMAP,
						  .arg.remove.start = (i + 1) * 4096 };
	slot->msg[0].event = slot->msg[2].event = EVENT_APPLIED;
	old = *slot;
	/* The copy is done, its old place is not given up. */
	slot->msg[0] = slot->msg[1];
	slot->gathering = 1 + 1;
	event_slot_mend(slot);
	assert_int_equal(slot->gathering, 0);
	event_slot_gather(slot);
	assert_int_equal(event_slot_used(slot), 3);
	assert_memory_equal(&slot->msg[0], &old.msg[1], sizeof(old.msg[0]));
	assert_memory_equal(&slot->msg[1], &old.msg[3], sizeof(old.msg[0]));
	assert_memory_equal(&slot->msg[2], &old.msg[4], sizeof(old.msg[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_gathering) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
