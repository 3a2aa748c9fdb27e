// SPDX-License-Identifier: GPL-2.0-only
/* Events of several threads, told in other orders than they happened. */
#include "order_fixture.h"

/* x to d, and then y to x, which is told first. */
static void test_remap_after_remap(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	remap(AT_X, AT_D, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	assert_false(apply(f));
	expect(f, AT_X, AT_X, NR);
	tell_unmap(f, AT_Y, NR);
	assert_false(apply(f));
	tell_remap(f, AT_X, AT_D, NR);
	/* Whose it is is known for sure only when nothing else is on its way. */
	apply(f);
	tell_unmap(f, AT_X, NR);
	unread = false;
	assert_true(apply(f));
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, NR);
	expect_nothing(f, AT_Y, NR);
	expect_counts(f, 0, 0, 0, 2 * NR);
}

/* The same, told at once and before y's UNMAP: nothing is to be waited for. */
static void test_who_is_still_in_mremap(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	remap(AT_X, AT_D, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	tell_remap(f, AT_X, AT_D, NR);
	assert_true(apply(f));
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, NR);
	tell_unmap(f, AT_X, NR);
	tell_unmap(f, AT_Y, NR);
	assert_true(apply(f));
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, NR);
	expect_nothing(f, AT_Y, NR);
}

static void test_remap_after_unmap(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	assert_false(apply(f));
	tell_unmap(f, AT_X, NR);
	assert_true(apply(f));
	expect(f, AT_X, AT_Y, NR);
	tell_unmap(f, AT_Y, NR);
	assert_true(apply(f));
	expect(f, AT_X, AT_Y, NR);
	expect_counts(f, 0, 0, 0, NR);
}

/* x to d, y to x, z to y: told the other way round. */
static void test_three(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	put(f, AT_Z, NR);
	remap(AT_X, AT_D, NR);
	remap(AT_Y, AT_X, NR);
	remap(AT_Z, AT_Y, NR);
	tell_remap(f, AT_Z, AT_Y, NR);
	assert_false(apply(f));
	tell_remap(f, AT_Y, AT_X, NR);
	assert_false(apply(f));
	tell_remap(f, AT_X, AT_D, NR);
	apply(f);
	tell_unmap(f, AT_Z, NR);
	tell_unmap(f, AT_Y, NR);
	tell_unmap(f, AT_X, NR);
	unread = false;
	assert_true(apply(f));
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, NR);
	expect(f, AT_Y, AT_Z, NR);
	expect_nothing(f, AT_Z, NR);
}

/* What was there went in two parts, one of which is told of in time, and more with it. */
static void test_parts(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, 2 * NR);
	put(f, AT_Y, 2 * NR);
	remap(AT_X, AT_D, NR);
	set_mapped(AT_X + NR, NR, false);
	remap(AT_Y, AT_X, 2 * NR);
	tell_remap(f, AT_Y, AT_X, 2 * NR);
	assert_false(apply(f));
	tell_remap(f, AT_X, AT_D, NR);
	assert_false(apply(f));
	tell_unmap(f, AT_X, NR);
	tell_unmap(f, AT_X + NR, 2 * NR);
	assert_true(apply(f));
	expect(f, AT_D, AT_X, NR);
	expect(f, AT_X, AT_Y, 2 * NR);
}

/* Nothing was known where x had been: its events tell nothing of what came since. */
static void test_unknown_before(void **state)
{
	static const bool by_unmap[] = { true, false };
	struct space_fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		put(f, AT_Y, NR);
		remap(AT_Y, AT_X, NR);
		unread = true;
		tell_remap(f, AT_Y, AT_X, NR);
		assert_true(apply(f));
		expect(f, AT_X, AT_Y, NR);
		/* Who moved y cannot have gone on, so it is another's. */
		if (by_unmap[i])
			tell_unmap(f, AT_X - 2, 2 * NR);
		else
			tell_remap(f, AT_X - 2, AT_D - 2, 2 * NR);
		assert_true(apply(f));
		expect(f, AT_X, AT_Y, NR);
		expect_nothing(f, AT_D, NR);
		tell_unmap(f, AT_Y, NR);
		assert_true(apply(f));
		expect(f, AT_X, AT_Y, NR);
		page_drop(&f->pg, f->sp, page_at(AT_X), page_at(AT_X + NR));
		region_cut(&f->sp->locked.regions, page_at(0), page_at(PAGES));
		event_slot_settled(&f->events);
	}
}

/* The same when it may have gone on: then the kernel says, when nothing is on its way. */
static void test_unknown_before_or_gone(void **state)
{
	struct space_fixture *f = *state;

	for (int gone = 0; gone < 2; gone++) {
		unread = true;
		put(f, AT_Y, NR);
		remap(AT_Y, AT_X, NR);
		tell_remap(f, AT_Y, AT_X, NR);
		tell_unmap(f, AT_Y, NR);
		assert_true(apply(f));
		if (gone)
			remap(AT_X, AT_D, NR);
		tell_remap(f, AT_X, AT_D, NR);
		assert_false(apply(f));
		unread = false;
		assert_true(apply(f));
		expect(f, gone ? AT_D : AT_X, AT_Y, NR);
		expect_nothing(f, gone ? AT_X : AT_D, NR);
		page_drop(&f->pg, f->sp, page_at(0), page_at(PAGES));
		region_cut(&f->sp->locked.regions, page_at(0), page_at(PAGES));
		event_slot_settled(&f->events);
	}
}

/* A part of what came has gone on: the rest stays. */
static void test_part_gone(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_Y, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	tell_unmap(f, AT_Y, NR);
	assert_true(apply(f));
	set_mapped(AT_X, 1, false);
	tell_unmap(f, AT_X, NR);
	assert_false(apply(f));
	unread = false;
	assert_true(apply(f));
	expect_nothing(f, AT_X, 1);
	expect(f, AT_X + 1, AT_Y + 1, NR - 1);
}

static void test_leftover(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	tell_unmap(f, AT_Y, NR);
	assert_false(apply(f));
	unread = false;
	assert_true(apply(f));
	expect(f, AT_X, AT_Y, NR);
	expect_counts(f, 0, 0, 0, NR);
}

/* What came went on, too, before what had been there is told of: which is which? */
static void test_lost(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	remap(AT_X, AT_D, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	tell_unmap(f, AT_Y, NR);
	assert_false(apply(f));
	remap(AT_X, AT_E, NR);
	tell_remap(f, AT_X, AT_E, NR);
	assert_false(apply(f));
	tell_remap(f, AT_X, AT_D, NR);
	tell_unmap(f, AT_X, NR);
	tell_unmap(f, AT_X, NR);
	apply(f);
	unread = false;
	assert_true(apply(f));
	expect_state(f, AT_D, NR, PAGE_LOST);
	expect_state(f, AT_E, NR, PAGE_LOST);
	expect_counts(f, 0, 0, 0, 0);
}

static void test_both_unmapped(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	set_mapped(AT_X, NR, false);
	set_mapped(AT_Y, NR, false);
	tell_remap(f, AT_Y, AT_X, NR);
	tell_unmap(f, AT_Y, NR);
	tell_unmap(f, AT_X, NR);
	assert_false(apply(f));
	tell_unmap(f, AT_X, NR);
	apply(f);
	unread = false;
	assert_true(apply(f));
	expect_counts(f, 0, 0, 0, 0);
}

/* Others do not wait; what is about the same addresses does. */
static void test_others(void **state)
{
	struct space_fixture *f = *state;
	struct uffd_msg remove = { .event = UFFD_EVENT_REMOVE };

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	put(f, AT_FAR, NR);
	remap(AT_X, AT_D, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	remove.arg.remove.start = pgno_addr(page_at(AT_X));
	remove.arg.remove.end = pgno_addr(page_at(AT_X + 1));
	*tell(f) = remove;
	set_mapped(AT_FAR, NR, false);
	tell_unmap(f, AT_FAR, NR);
	assert_false(apply(f));
	expect_nothing(f, AT_FAR, NR);
	expect(f, AT_X, AT_X, NR);
	tell_remap(f, AT_X, AT_D, NR);
	assert_true(apply(f));
	expect(f, AT_D, AT_X, NR);
	expect_nothing(f, AT_X, 1);
	expect(f, AT_X + 1, AT_Y + 1, NR - 1);
}

/* More than there is room for: lost, never zeros. */
static void test_full(void **state)
{
	struct space_fixture *f = *state;

	put(f, AT_X, NR);
	put(f, AT_Y, NR);
	remap(AT_Y, AT_X, NR);
	tell_remap(f, AT_Y, AT_X, NR);
	for (uint32_t i = 1; i <= EVENTS_KEPT - EVENTS_BATCH; i++)
		tell_unmap(f, AT_Y, NR);
	apply(f);
	expect_state(f, AT_X, NR, PAGE_LOST);
	expect_counts(f, 0, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ORDER_TEST(test_remap_after_remap),
		ORDER_TEST(test_who_is_still_in_mremap),
		ORDER_TEST(test_remap_after_unmap),
		ORDER_TEST(test_three),
		ORDER_TEST(test_parts),
		ORDER_TEST(test_unknown_before),
		ORDER_TEST(test_unknown_before_or_gone),
		ORDER_TEST(test_part_gone),
		ORDER_TEST(test_leftover),
		ORDER_TEST(test_lost),
		ORDER_TEST(test_both_unmapped),
		ORDER_TEST(test_others),
		ORDER_TEST(test_full),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
