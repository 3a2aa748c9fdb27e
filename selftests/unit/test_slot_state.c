// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <sys/stat.h>

#include "slot_fixture.h"

static void test_hash(void **state)
{
	struct fixture *f = open_one(state, 2 * X);
	uint8_t page[PAGE_SIZE] = { 0 };
	slot_t a = { 3 }, b = { 4 };
	uint64_t hash = slot_hash(f->slots, a, page);

	assert_int_equal(slot_hash(f->slots, a, page), hash);
	assert_int_not_equal(slot_hash(f->slots, b, page), hash);
	page[PAGE_SIZE - 1] ^= 1;
	assert_int_not_equal(slot_hash(f->slots, a, page), hash);
	page[PAGE_SIZE - 1] ^= 1;
	/* The secret survives a restart, but not the state file. */
	reopen_slots(f);
	assert_int_equal(slot_hash(f->slots, a, page), hash);
	slots_fini(f->slots);
	assert_int_equal(unlinkat(f->dir_fd, "slots.0", 0), 0);
	assert_int_equal(open_slots(f), 0);
	assert_int_not_equal(slot_hash(f->slots, a, page), hash);
}

/* A daemon that was killed at any instant finds counts and checksums again. */
static void test_killed_daemon(void **state)
{
	struct fixture *f = open_one(state, 10 * X);
	slot_t slot;
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (slot_alloc(f->slots, 0, 5, &slot) != 5)
			_exit(1);
		slot_get(f->slots, (slot_t){ 2 });
		slot_put(f->slots, (slot_t){ 4 });
		slot_set_checksum(f->slots, (slot_t){ 2 }, 0x123456789abcdef0);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	reopen_slots(f);
	assert_int_equal(slots_free(f->slots), 10 * X - 1 - 4);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 1 }), 1);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 2 }), 2);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 4 }), 0);
	assert_int_equal(slot_checksum(f->slots, (slot_t){ 2 }), 0x123456789abcdef0);
	fill(f, 1);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 2 }), 2);
}

static void test_recount(void **state)
{
	struct fixture *f = open_one(state, 10 * X);

	alloc_exactly(f, 0, 20, 1);
	reopen_slots(f);
	slots_recount_begin(f->slots);
	assert_int_equal(slots_free(f->slots), 10 * X - 1);
	for (int i = 0; i < 3; i++)
		slot_get(f->slots, (slot_t){ 7 });
	slot_get(f->slots, (slot_t){ 300 });
	slots_recount_end(f->slots);
	assert_int_equal(slots_free(f->slots), 10 * X - 1 - 2);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 7 }), 3);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 1 }), 0);
	/* The two extents with a slot in use come last. */
	alloc_exactly(f, 0, 3 * X, X);
	fill(f, 0);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 7 }), 3);
	assert_int_equal(slot_refs(f->slots, (slot_t){ 300 }), 1);
}

/* Of the file system of the state directory. */
static uint64_t backed_bytes(const struct fixture *f)
{
	struct stat st;

	assert_int_equal(fstatat(f->dir_fd, "slots.0", &st, 0), 0);
	return (uint64_t)st.st_blocks * 512;
}

/* Regression: 10 bytes for each slot were taken at start, used or not. */
static void test_grows_and_shrinks(void **state)
{
	const uint64_t nr = 4000 * X;
	struct fixture *f = open_one(state, nr);
	uint64_t few = nr * 10 / 4, all = nr * 10;
	slot_t slot;

	assert_true(backed_bytes(f) < few);
	for (int round = 0; round < 2; round++) {
		int got;

		for (uint64_t n = 0; n < nr - 1; n += (uint64_t)got) {
			got = slot_alloc(f->slots, 0, 64, &slot);
			assert_true(got > 0);
			slot_set_checksum(f->slots, slot, slot.v);
		}
		assert_int_equal(slots_free(f->slots), 0);
		assert_true(backed_bytes(f) >= all);
		reopen_slots(f);
		assert_int_equal(slots_free(f->slots), 0);
		for (uint64_t s = 1; s < nr; s++)
			if (s % (100 * X) != 7)
				slot_put(f->slots, (slot_t){ s });
		for (int n = 0; n < 1000; n++)
			slots_refill(f->slots);
		/* Not those of which one is in use. */
		assert_true(backed_bytes(f) < all * 3 / 4 && backed_bytes(f) > all / 4);
		assert_int_equal(slots_free(f->slots), nr - 1 - 40);
		for (uint64_t s = 7; s < nr; s += 100 * X)
			slot_put(f->slots, (slot_t){ s });
		for (int n = 0; n < 1000; n++)
			slots_refill(f->slots);
		assert_true(backed_bytes(f) <= all / 3);
		assert_int_equal(slots_free(f->slots), nr - 1);
	}
}

static int write_at(struct fixture *f, const void *data, size_t len, off_t at)
{
	int fd = openat(f->dir_fd, "slots.0", O_WRONLY | O_CLOEXEC);
	ssize_t n = pwrite(fd, data, len, at);

	close(fd);
	return n == (ssize_t)len ? 0 : -1;
}

static void test_foreign_state(void **state)
{
	struct fixture *f = open_one(state, 10 * X);
	uint8_t uuid = f->areas[0].sb.uuid[0];
	slot_t slot;

	assert_int_equal(slot_alloc(f->slots, 0, 1, &slot), 1);
	slots_fini(f->slots);
	f->slots = NULL;
	/* Its slots may be a program's only copies. */
	f->areas[0].sb.uuid[0] = 99;
	assert_int_equal(open_slots(f), -ESTALE);
	f->areas[0].sb.uuid[0] = uuid;
	f->areas[0].sb.nr_slots++;
	assert_int_equal(open_slots(f), -ESTALE);
	f->areas[0].sb.nr_slots--;
	assert_int_equal(open_slots(f), 0);
	assert_int_equal(slot_refs(f->slots, slot), 1);
	/* Without a slot in use another area may have the file, of whatever size. */
	slot_put(f->slots, slot);
	slots_fini(f->slots);
	f->slots = NULL;
	f->areas[0].sb.uuid[0] = 99;
	f->areas[0].sb.nr_slots = 5 * X;
	assert_int_equal(open_slots(f), 0);
	assert_int_equal(slots_free(f->slots), 5 * X - 1);
}

static void test_damaged_state(void **state)
{
	const uint32_t other_version = 1;
	struct fixture *f = open_one(state, 10 * X);

	slots_fini(f->slots);
	f->slots = NULL;
	assert_int_equal(write_at(f, &other_version, 4, 8), 0);
	assert_int_equal(open_slots(f), -EPROTONOSUPPORT);
	assert_int_equal(write_at(f, "?", 1, 0), 0);
	assert_int_equal(open_slots(f), -EBADMSG);
	assert_int_equal(unlinkat(f->dir_fd, "slots.0", 0), 0);
	assert_int_equal(open_slots(f), 0);
	slots_fini(f->slots);
	f->slots = NULL;
	/* One page short: a store to its end would raise SIGBUS. */
	assert_int_equal(write_at(f, "", 1, 6 * 4096), 0);
	assert_int_equal(open_slots(f), -EBADMSG);
	assert_int_equal(unlinkat(f->dir_fd, "slots.0", 0), 0);
	assert_int_equal(symlinkat("/dev/zero", f->dir_fd, "slots.0"), 0);
	assert_int_equal(open_slots(f), -ELOOP);
}

static void test_refused_areas(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(slots_init(&f->slots, NULL, 1, f->dir_fd), -EINVAL);
	assert_int_equal(slots_init(&f->slots, f->areas, 0, f->dir_fd), -EINVAL);
	assert_int_equal(slots_init(&f->slots, f->areas, AREAS_MAX + 1, f->dir_fd), -EINVAL);
	/* Slots have 40 bits; the first area, which fits, is given up again. */
	add_area(f, X, 0);
	add_area(f, 1ULL << SLOT_BITS, 0);
	assert_int_equal(open_slots(f), -EFBIG);
	f->slots = NULL;
}

/* Regression: who died while it counted left counts of 0, and the next gave the checksums of what is in use back. */
static void test_dies_while_counting(void **state)
{
	const uint32_t nr = 160 * 1024; /* more than stays backed while nobody uses it */
	struct fixture *f = open_one(state, 2 * nr);
	uint32_t done = 0;

	while (done < nr) {
		slot_t first;
		int got = slot_alloc(f->slots, 0, X, &first);

		assert_true(got > 0);
		for (int i = 0; i < got; i++)
			slot_set_checksum(f->slots, slot_add(first, (uint64_t)i), first.v + 1);
		done += (uint32_t)got;
	}
	for (int death = 0; death < 3; death++) {
		slots_recount_begin(f->slots);
		reopen_slots(f);
	}
	slots_recount_begin(f->slots);
	for (uint64_t n = 1; n <= nr; n++)
		slot_get(f->slots, (slot_t){ n });
	slots_recount_end(f->slots);
	for (uint64_t n = 1; n <= nr; n++) {
		assert_int_equal(slot_refs(f->slots, (slot_t){ n }), 1);
		assert_int_not_equal(slot_checksum(f->slots, (slot_t){ n }), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hash),
		TEST(test_killed_daemon),
		TEST(test_recount),
		TEST(test_dies_while_counting),
		TEST(test_grows_and_shrinks),
		TEST(test_foreign_state),
		TEST(test_damaged_state),
		TEST(test_refused_areas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
