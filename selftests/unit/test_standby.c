// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
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

#define PLACES 61 /* two parts, and no power of two: their ends are met everywhere */

static bool may_give(const struct standby *sb, uint32_t place)
{
	return standby_state(sb, place) == PLACE_FREE || standby_state(sb, place) == PLACE_CLEAN;
}

/* First place from the start in ring order that the test likes; PLACES if none. */
static uint32_t first_from(const struct standby *sb, uint32_t start, bool dirty)
{
	for (uint32_t n = 0; n < PLACES; n++) {
		uint32_t place = (start + n) % PLACES;

		if (dirty ? standby_state(sb, place) == PLACE_DIRTY : may_give(sb, place))
			return place;
	}
	return PLACES;
}

/* Where a part begins, or the ring is at its end. */
static bool is_edge(const struct standby *sb, uint32_t place)
{
	return place == PLACES || standby_part_of(sb, place)->first == place;
}

static bool in_one_part(const struct standby *sb, uint32_t first, uint32_t nr_places)
{
	return standby_part_of(sb, first) == standby_part_of(sb, first + nr_places - 1);
}

static void check_counts(const struct standby *sb)
{
	uint32_t nr_busy = 0, nr_dirty = 0, nr_writing = 0;

	for (uint32_t place = 0; place < PLACES; place++) {
		nr_busy += !may_give(sb, place);
		nr_dirty += standby_state(sb, place) == PLACE_DIRTY;
		nr_writing += standby_state(sb, place) == PLACE_WRITING ||
			      standby_state(sb, place) == PLACE_ORPHAN;
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
	assert_true(got == want || is_edge(sb, first + got) || !may_give(sb, first + got));
	assert_true(in_one_part(sb, first, got));
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
		assert_true(first + i < PLACES && standby_state(sb, first + i) == PLACE_DIRTY);
	assert_true(got == want || is_edge(sb, first + got) ||
		    standby_state(sb, first + got) != PLACE_DIRTY);
	assert_true(in_one_part(sb, first, got));
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
		assert_int_equal(standby_state(&sb, place), to);
		assert_int_equal(standby_page(&sb, place).v, 1000 + place);
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

static uint64_t file_bytes(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, STANDBY_PLACES_MAX * PAGE_SIZE);
	return (uint64_t)st.st_blocks * 512;
}

/* The agent writes through the descriptor, the daemon reads the map, and the other way. */
static void check_contents(struct standby *sb)
{
	uint8_t data[PAGE_SIZE];

	for (uint32_t place = 0; place < sb->nr_places; place++) {
		memset(data, (int)place + 1, sizeof(data));
		assert_int_equal(pwrite(sb->fd, data, sizeof(data), (off_t)(place * PAGE_SIZE)),
				 sizeof(data));
	}
	for (uint32_t place = 0; place < sb->nr_places; place++) {
		memset(data, (int)place + 1, sizeof(data));
		assert_memory_equal(standby_data(sb, place), data, sizeof(data));
	}
}

static void test_descriptor_and_map(void **state)
{
	struct standby sb;
	int fd;

	(void)state;
	assert_int_equal(standby_init(&sb, PLACES), 0);
	fd = sb.fd;
	assert_int_equal(file_bytes(fd), PLACES * PAGE_SIZE);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_contents(&sb);
	standby_fini(&sb);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(sb.fd, -1);
	standby_fini(&sb); /* of a space that never had one */
}

static void grow(struct standby *sb)
{
	uint32_t from = sb->nr_places, next = standby_next_size(sb, STANDBY_PLACES_MAX);
	struct standby_part *part;

	assert_int_equal(standby_part_new(sb->fd, from, next - from, &part), 0);
	assert_int_equal(standby_part_populate(part), 0);
	standby_add_part(sb, part);
	assert_int_equal(sb->nr_places, next);
	assert_int_equal(sb->nr_backed, next);
	assert_int_equal(file_bytes(sb->fd), next * PAGE_SIZE);
}

/* Each time twice as large, up to what the file holds; nothing that it has had moves. */
static void test_grows_and_shrinks(void **state)
{
	struct standby sb;
	uint8_t *data;

	(void)state;
	assert_int_equal(standby_init(&sb, 1), 0);
	assert_int_equal(sb.nr_places, STANDBY_PLACES_MIN);
	standby_set(&sb, 7, PLACE_DIRTY, (pgno_t){ 1007 });
	data = standby_data(&sb, 7);
	assert_int_equal(standby_next_size(&sb, 50), 50);
	assert_int_equal(standby_next_size(&sb, 39), STANDBY_PLACES_MIN); /* not worth it */
	assert_int_equal(standby_next_size(&sb, 20), STANDBY_PLACES_MIN);
	while (standby_next_size(&sb, STANDBY_PLACES_MAX) != sb.nr_places)
		grow(&sb);
	assert_int_equal(sb.nr_places, STANDBY_PLACES_MAX);
	assert_ptr_equal(standby_data(&sb, 7), data);
	check_contents(&sb);
	standby_set(&sb, STANDBY_PLACES_MAX - 1, PLACE_CLEAN, (pgno_t){ 1 });
	standby_set(&sb, STANDBY_PLACES_MAX - 1, PLACE_FREE, (pgno_t){ 0 });
	standby_take(&sb, STANDBY_PLACES_MAX - 2, 1);
	while (sb.nr_parts > 1)
		standby_part_free(standby_remove_part(&sb));
	assert_int_equal(sb.nr_places, STANDBY_PLACES_MIN);
	assert_in_range(sb.hand, 0, STANDBY_PLACES_MIN - 1);
	assert_int_equal(sb.nr_backed, STANDBY_PLACES_MAX);
	assert_int_equal(standby_state(&sb, 7), PLACE_DIRTY);
	assert_int_equal(sb.nr_dirty, 1);
	assert_ptr_equal(standby_data(&sb, 7), data);
	standby_fini(&sb);
}

/* As many places as were recorded, and it is known that the file may have memory for more. */
static void test_restore(void **state)
{
	struct standby sb, other;
	int fd;

	(void)state;
	assert_int_equal(standby_init(&sb, 1), 0);
	grow(&sb);
	check_contents(&sb);
	fd = dup(sb.fd);
	assert_int_equal(standby_restore(&other, fd, STANDBY_PLACES_MAX + 1), -EBADMSG);
	assert_int_equal(standby_restore(&other, fd, 0), -EBADMSG);
	assert_int_equal(standby_restore(&other, fd, sb.nr_places), 0);
	assert_int_equal(other.nr_backed, sb.nr_places);
	for (uint32_t place = 0; place < sb.nr_places; place++)
		assert_memory_equal(standby_data(&other, place), standby_data(&sb, place),
				    PAGE_SIZE);
	standby_fini(&other);
	fd = dup(sb.fd);
	assert_int_equal(standby_restore(&other, fd, STANDBY_PLACES_MIN), 0);
	assert_int_equal(other.nr_places, STANDBY_PLACES_MIN);
	assert_int_equal(other.nr_backed, STANDBY_PLACES_MAX);
	standby_fini(&other);
	standby_fini(&sb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_ring_order),
		cmocka_unit_test(test_descriptor_and_map),
		cmocka_unit_test(test_grows_and_shrinks),
		cmocka_unit_test(test_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
