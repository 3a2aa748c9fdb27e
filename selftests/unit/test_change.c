// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>

#include "memory/change.h"
#include "uffd_fixture.h"

static struct space *new_space(const struct fixture *f)
{
	static struct event_slot events;
	struct space *sp = space_new(1, dup(f->uffd), &events);

	assert_non_null(sp);
	return sp;
}

static void *drop(void *mem)
{
	madvise(mem, PAGE_SIZE, MADV_DONTNEED);
	return NULL;
}

static void test_unread_event(void **state)
{
	struct fixture *f = need(state);
	struct space *sp = new_space(f);
	struct pollfd pfd = { .fd = f->uffd, .events = POLLIN };
	struct uffd_msg msg;
	pthread_t thread;

	assert_true(change_begin(sp, CHANGE_LOOKED));
	change_end(sp);
	assert_int_equal(pthread_create(&thread, NULL, drop, f->mem), 0);
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_false(change_begin(sp, CHANGE_LOOKED));
	assert_int_equal(uffd_read(f->uffd, &msg, 1), 1);
	assert_int_equal(msg.event, UFFD_EVENT_REMOVE);
	/* Read, and not yet applied. */
	sp->worker.events_waiting = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(change_begin(sp, CHANGE_LOOKED));
	assert_true(change_begin(sp, CHANGE_EVENT));
	change_end(sp);
	sp->worker.events_waiting = false;
	assert_true(change_begin(sp, CHANGE_LOOKED));
	change_end(sp);
	space_free(sp);
}

static void test_pending_batch(void **state)
{
	struct fixture *f = need(state);
	struct space *sp = new_space(f);

	sp->agent.posted++;
	assert_false(change_begin(sp, CHANGE_EVENT));
	assert_false(change_begin(sp, CHANGE_LOOKED));
	sp->agent.settled++;
	assert_true(change_begin(sp, CHANGE_EVENT));
	change_end(sp);
	space_free(sp);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_unread_event), TEST(test_pending_batch) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
