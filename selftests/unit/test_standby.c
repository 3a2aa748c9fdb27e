// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory/standby.h"
#include "seed.h"

#define PLACES 61 /* no power of two: the ring's end is met everywhere */

static bool may_give(const struct standby *sb, uint32_t place)
{
	return sb->state[place] == PLACE_FREE || sb->state[place] == PLACE_CLEAN;
}

/* First place from the start in ring order that the test likes; PLACES if none. */
static uint32_t first_from(const struct standby *sb, uint32_t start, bool dirty)
{
	for (uint32_t n = 0; n < PLACES; n++) {
		uint32_t place = (start + n) % PLACES;

		if (dirty ? sb->state[place] == PLACE_DIRTY : may_give(sb, place))
			return place;
	}
	return PLACES;
}

static void check_counts(const struct standby *sb)
{
	uint32_t nr_busy = 0, nr_dirty = 0, nr_writing = 0;

	for (uint32_t place = 0; place < PLACES; place++) {
		nr_busy += !may_give(sb, place);
		nr_dirty += sb->state[place] == PLACE_DIRTY;
		nr_writing += sb->state[place] == PLACE_WRITING || sb->state[place] == PLACE_ORPHAN;
	}
	assert_int_equal(sb->nr_busy, nr_busy);
	assert_int_equal(sb->nr_dirty, nr_dirty);
	assert_int_equal(sb->nr_writing, nr_writing);
}

static void check_find(struct standby *sb, uint32_t want)
{
	uint32_t wanted = first_from(sb, sb->hand, false), first = ~0u, hand = sb->hand;
	uint32_t got = standby_find(sb, want, &first);

	assert_int_equal(sb->hand, hand);
	if (wanted == PLACES) {
		assert_int_equal(got, 0);
		return;
	}
	assert_int_equal(first, wanted);
	assert_in_range(got, 1, want);
	for (uint32_t i = 0; i < got; i++)
		assert_true(first + i < PLACES && may_give(sb, first + i));
	/* As long as it can be. */
	assert_true(got == want || first + got == PLACES || !may_give(sb, first + got));
}

static void check_find_dirty(struct standby *sb, uint32_t want)
{
	uint32_t wanted = first_from(sb, sb->write_hand, true), first = ~0u;
	uint32_t got = standby_find_dirty(sb, want, &first);

	if (wanted == PLACES) {
		assert_int_equal(got, 0);
		return;
	}
	assert_int_equal(first, wanted);
	assert_in_range(got, 1, want);
	for (uint32_t i = 0; i < got; i++)
		assert_true(first + i < PLACES && sb->state[first + i] == PLACE_DIRTY);
	assert_true(got == want || first + got == PLACES || sb->state[first + got] != PLACE_DIRTY);
	assert_int_equal(sb->write_hand, (first + got) % PLACES);
}

static void take_some(struct standby *sb, uint64_t *seed)
{
	uint32_t first, got = standby_find(sb, 1 + seed_below(seed, 20), &first);

	for (uint32_t i = 0; i < got; i++)
		standby_set(sb, first + i, PLACE_DETACHING, (pgno_t){ 1000 + first + i });
	if (got) {
		standby_take(sb, first, got);
		assert_int_equal(sb->hand, (first + got) % PLACES);
	}
}

static void test_random_against_model(void **state)
{
	uint64_t seed = seed_start(__func__);
	struct standby sb;

	(void)state;
	assert_int_equal(standby_init(&sb, PLACES), 0);
	for (int step = 0; step < 50000; step++) {
		uint32_t place = seed_below(&seed, PLACES);
		enum place_state to = (enum place_state)seed_below(&seed, PLACE_ORPHAN + 1);

		/* Sometimes all but full, sometimes all but empty. */
		if (step / 500 % 3 == 0 && may_give(&sb, place))
			to = PLACE_DIRTY;
		standby_set(&sb, place, to, (pgno_t){ 1000 + place });
		assert_int_equal(sb.state[place], to);
		assert_int_equal(sb.page[place].v, 1000 + place);
		if (seed_below(&seed, 10) == 0)
			take_some(&sb, &seed);
		check_counts(&sb);
		check_find(&sb, 1 + seed_below(&seed, PLACES));
		check_find_dirty(&sb, 1 + seed_below(&seed, PLACES));
	}
	standby_fini(&sb);
}

/* Places are given out in ring order: the oldest is reused first. */
static void test_ring_order(void **state)
{
	struct standby sb;

	(void)state;
	assert_int_equal(standby_init(&sb, PLACES), 0);
	for (uint32_t n = 0; n < 3 * PLACES; n++) {
		uint32_t first;

		assert_int_equal(standby_find(&sb, 1, &first), 1);
		assert_int_equal(first, n % PLACES);
		standby_take(&sb, first, 1);
		standby_set(&sb, first, PLACE_CLEAN, (pgno_t){ n });
	}
	standby_fini(&sb);
}

/* The agent writes through the descriptor, the daemon reads the map, and the other way. */
static void test_descriptor_and_map(void **state)
{
	uint8_t data[PAGE_SIZE];
	struct standby sb;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(standby_init(&sb, PLACES), 0);
	fd = sb.fd;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, PLACES * PAGE_SIZE);
	assert_int_equal((uint64_t)st.st_blocks * 512, PLACES * PAGE_SIZE);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	for (uint32_t place = 0; place < PLACES; place++) {
		memset(data, (int)place + 1, sizeof(data));
		assert_int_equal(pwrite(fd, data, sizeof(data), (off_t)(place * PAGE_SIZE)),
				 sizeof(data));
	}
	for (uint32_t place = 0; place < PLACES; place++) {
		memset(data, (int)place + 1, sizeof(data));
		assert_memory_equal(standby_data(&sb, place), data, sizeof(data));
	}
	standby_fini(&sb);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(sb.fd, -1);
	standby_fini(&sb); /* of a space that never had one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_ring_order),
		cmocka_unit_test(test_descriptor_and_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
