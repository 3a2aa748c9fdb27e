// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * Areas that answer late, wrongly or not at all: who needs what is lost gets SIGBUS,
 * and nobody else.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>
#include <setjmp.h>

#define NR 1024ULL /* pages */

static sigjmp_buf caught;

static void catch (int sig)
{
	siglongjmp(caught, sig);
}

enum found {
	FOUND_RIGHT,
	FOUND_BUS,
	FOUND_WRONG,
};

static enum found read_page(uint8_t *p, uint64_t seed, uint64_t nr)
{
	if (sigsetjmp(caught, 1))
		return FOUND_BUS;
	return memory_page_is(p + nr * PAGE_SIZE, seed, nr) ? FOUND_RIGHT : FOUND_WRONG;
}

/* value[0..2]: how many pages are so; value[3]: the last one that raised SIGBUS. */
static void survey(struct target_share *sh, uint8_t *p, uint64_t seed)
{
	signal(SIGBUS, catch);
	for (volatile uint64_t i = 0; i < NR; i++) {
		enum found found = read_page(p, seed, i);

		atomic_fetch_add(&sh->value[found], 1);
		if (found == FOUND_BUS)
			atomic_store(&sh->value[3], i);
	}
	signal(SIGBUS, SIG_DFL);
}

/* All else stays, or the program itself would meet the loss, and not where it is expected. */
static bool lock_all_but(uint8_t *p)
{
	return !mlockall(MCL_CURRENT) && !munlock(p, NR * PAGE_SIZE);
}

static int read_all(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	target_check(sh, lock_all_but(p));
	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_meet(sh, 2);
	survey(sh, p, 1);
	return 0;
}

FIXTURE(device)
{
	struct pager pager;
	struct target t;
};

FIXTURE_SETUP(device)
{
}

PAGER_TEARDOWN(device)

/* The program has all its pages in the area, and the daemon is one that meets with failpoints. */
static bool prepare(FIXTURE_DATA(device) * self, target_fn fn, struct pager_options opt)
{
	struct pager_options start = { .area2_bytes = opt.area2_bytes };

	if (pager_start(&self->pager, &start))
		return false;
	self->t = target_start(&self->pager, fn, TARGET_BUDGET);
	return target_reached(&self->t, 2) && !pager_restart(&self->pager, &opt);
}

static uint64_t found(const FIXTURE_DATA(device) * self, enum found what)
{
	return atomic_load(&self->t.share->value[what]);
}

/* Regression: three tries within microseconds, and a device that came back was too late. */
TEST_F_TIMEOUT(device, read_fails_for_a_while, 60)
{
	struct pager_options opt = { .failpoints = "store_read=err:5@1-12",
				     .args = { "--io-retry", "30" } };

	ASSERT_TRUE(prepare(self, read_all, opt));
	target_let(&self->t, 2);
	ASSERT_TRUE(wait_until(40, target_is_over(&self->t)));
	EXPECT_EQ(NR, found(self, FOUND_RIGHT));
	EXPECT_TRUE(wait_until(10, pager_logged(&self->pager, " fails: ")));
	EXPECT_EQ(0, target_end(&self->t));
}

static struct target_share *share;
static uint8_t *second;

static void *go_on(void *unused)
{
	(void)unused;
	while (!atomic_load(&share->value[5])) {
		memory_fill(second, 0, 64, atomic_fetch_add(&share->value[4], 1));
		madvise(second, 64 * PAGE_SIZE, MADV_DONTNEED);
	}
	return NULL;
}

static int fail_beside_others(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pthread_t thread;

	share = sh;
	second = memory_map(64);
	target_check(sh, !pthread_create(&thread, NULL, go_on, NULL));
	memory_fill(p, 0, NR, 1);
	target_check(sh, lock_all_but(p));
	target_check(sh, memory_push_far(p, NR));
	target_meet(sh, 2);
	atomic_store(&sh->value[6], atomic_load(&sh->value[4]));
	signal(SIGBUS, catch);
	atomic_store(&sh->value[0], read_page(p, 1, 0));
	atomic_store(&sh->value[7], atomic_load(&sh->value[4]));
	signal(SIGBUS, SIG_DFL);
	atomic_store(&sh->value[5], 1);
	pthread_join(thread, NULL);
	return 0;
}

/* While one waits for a page that cannot be read, another thread is served. */
TEST_F_TIMEOUT(device, others_go_on, 60)
{
	struct pager_options opt = { .failpoints = "store_read=err:5",
				     .args = { "--io-retry", "1" } };

	ASSERT_TRUE(prepare(self, fail_beside_others, opt));
	target_let(&self->t, 2);
	ASSERT_TRUE(wait_until(30, target_is_over(&self->t)));
	EXPECT_EQ(FOUND_BUS, found(self, 0));
	EXPECT_GT(atomic_load(&self->t.share->value[7]),
		  atomic_load(&self->t.share->value[6]) + 10);
	EXPECT_TRUE(wait_until(10, pager_logged(&self->pager, "could not be read back")));
	EXPECT_EQ(0, target_end(&self->t));
}

TEST_F_TIMEOUT(device, read_is_not_answered, 60)
{
	struct pager_options opt = { .failpoints = "store_read=err:115@1",
				     .args = { "--io-timeout", "1" } };

	ASSERT_TRUE(prepare(self, read_all, opt));
	target_let(&self->t, 2);
	ASSERT_TRUE(wait_until(30, target_is_over(&self->t)));
	EXPECT_EQ(1, found(self, FOUND_BUS));
	EXPECT_EQ(NR - 1, found(self, FOUND_RIGHT));
	EXPECT_TRUE(wait_until(10, pager_logged(&self->pager, "1 requests are not answered")));
	EXPECT_EQ(0, target_end(&self->t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* None at all, more than there are buffers for. */
TEST_F_TIMEOUT(device, no_read_is_answered, 100)
{
	struct pager_options opt = { .failpoints = "store_read=err:115",
				     .args = { "--io-timeout", "1" } };

	ASSERT_TRUE(prepare(self, read_all, opt));
	target_let(&self->t, 2);
	EXPECT_TRUE(wait_until(30, found(self, FOUND_BUS) > 8));
	EXPECT_EQ(0, found(self, FOUND_WRONG));
	target_kill(&self->t);
}

static int write_all(struct target_share *sh)
{
	uint8_t *p = memory_map(4 * NR);

	target_meet(sh, 2);
	for (uint64_t i = 1; i <= 3; i++) {
		memory_fill(p, 0, 4 * NR, i);
		target_check(sh, memory_is(p, 0, 4 * NR, i));
	}
	target_meet(sh, 3);
	return 0;
}

/* What it was to write goes to the other area, and so does all else. */
TEST_F_TIMEOUT(device, write_is_not_answered, 100)
{
	struct pager_options opt = { .failpoints = "store_write=err:115@3",
				     .args = { "--io-timeout", "1" },
				     .area2_bytes = 64 * MIB };

	ASSERT_TRUE(prepare(self, write_all, opt));
	target_let(&self->t, 2);
	EXPECT_TRUE(target_reached(&self->t, 3));
	EXPECT_TRUE(wait_until(10, pager_logged(&self->pager, "1 requests are not answered")));
	target_let(&self->t, 3);
	EXPECT_EQ(0, target_end(&self->t));
}

/* The second try tells which of the slots it was. */
TEST_F_TIMEOUT(device, bad_slot_is_retired, 100)
{
	struct pager_options opt = { .failpoints = "store_write=err:5@5-60" };
	struct upager_record before, after;

	ASSERT_TRUE(prepare(self, write_all, opt));
	target_let(&self->t, 2);
	EXPECT_TRUE(target_reached(&self->t, 3));
	EXPECT_TRUE(wait_until(20, pager_status(&self->pager, self->t.pid).io_errors == 56));
	target_let(&self->t, 3);
	EXPECT_EQ(0, target_end(&self->t));
	/* What failed with its neighbours is used again, what failed alone is not. */
	do {
		EXPECT_EQ(0, upager_ping(self->pager.client, &before));
		sleep_us(500000);
		EXPECT_EQ(0, upager_ping(self->pager.client, &after));
	} while (before.slots_free != after.slots_free);
	EXPECT_GT(after.slots_total, after.slots_free);
	EXPECT_LE(after.slots_total, after.slots_free + 56);
}

/* Where the area has that page, or -1. */
static off_t find_page(int fd, uint64_t seed, uint64_t nr)
{
	static uint8_t page[PAGE_SIZE];

	for (off_t at = (off_t)PAGE_SIZE; pread(fd, page, PAGE_SIZE, at) == (ssize_t)PAGE_SIZE;
	     at += (off_t)PAGE_SIZE)
		if (memory_page_is(page, seed, nr))
			return at;
	return -1;
}

static bool flip_a_bit(int fd)
{
	off_t at = find_page(fd, 1, 77);
	uint8_t byte;

	if (at < 0 || pread(fd, &byte, 1, at + 1000) != 1)
		return false;
	byte ^= 0x10;
	return pwrite(fd, &byte, 1, at + 1000) == 1;
}

/* What was meant for another page. */
static bool misdirect(int fd)
{
	static uint8_t page[PAGE_SIZE];
	off_t at = find_page(fd, 1, 77), other = find_page(fd, 1, 500);

	return at >= 0 && other >= 0 && pread(fd, page, PAGE_SIZE, other) == (ssize_t)PAGE_SIZE &&
	       pwrite(fd, page, PAGE_SIZE, at) == (ssize_t)PAGE_SIZE;
}

/* As if the last write had never come. */
static bool make_stale(int fd)
{
	static uint8_t page[PAGE_SIZE];
	off_t at = find_page(fd, 1, 77);

	memory_fill_page(page, 0, 77);
	return at >= 0 && pwrite(fd, page, PAGE_SIZE, at) == (ssize_t)PAGE_SIZE;
}

static bool is_spoilt(FIXTURE_DATA(device) * self, bool (*spoil)(int fd))
{
	int fd;
	bool ok;

	if (pager_start(&self->pager, &(struct pager_options){ 0 }))
		return false;
	self->t = target_start(&self->pager, read_all, TARGET_BUDGET);
	if (!target_reached(&self->t, 2))
		return false;
	fd = open(self->pager.area, O_RDWR);
	ok = spoil(fd) && !fsync(fd);
	close(fd);
	target_let(&self->t, 2);
	return ok && wait_until(30, target_is_over(&self->t));
}

static void expect_one_lost(struct __test_metadata *_metadata, FIXTURE_DATA(device) * self)
{
	EXPECT_EQ(1, found(self, FOUND_BUS));
	EXPECT_EQ(NR - 1, found(self, FOUND_RIGHT));
	EXPECT_EQ(77, atomic_load(&self->t.share->value[3]));
	EXPECT_TRUE(wait_until(10, pager_logged(&self->pager, "1 pages came back wrong")));
	EXPECT_EQ(0, target_end(&self->t));
}

TEST_F_TIMEOUT(device, flipped_bit, 60)
{
	ASSERT_TRUE(is_spoilt(self, flip_a_bit));
	expect_one_lost(_metadata, self);
}

TEST_F_TIMEOUT(device, misdirected_write, 60)
{
	ASSERT_TRUE(is_spoilt(self, misdirect));
	expect_one_lost(_metadata, self);
}

TEST_F_TIMEOUT(device, stale_block, 60)
{
	ASSERT_TRUE(is_spoilt(self, make_stale));
	expect_one_lost(_metadata, self);
}

/* An area that has become shorter: reads are short, and then none. */
TEST_F_TIMEOUT(device, short_read, 100)
{
	struct pager_options opt = { .args = { "--io-retry", "0" } };
	off_t at;
	int fd;

	ASSERT_TRUE(prepare(self, read_all, opt));
	fd = open(self->pager.area, O_RDWR);
	at = find_page(fd, 1, 900);
	ASSERT_LT(0, at);
	ASSERT_EQ(0, ftruncate(fd, at + (off_t)PAGE_SIZE / 2));
	close(fd);
	target_let(&self->t, 2);
	ASSERT_TRUE(wait_until(60, target_is_over(&self->t)));
	EXPECT_EQ(0, found(self, FOUND_WRONG));
	EXPECT_LE(1, found(self, FOUND_BUS));
	EXPECT_LE(NR / 4, found(self, FOUND_RIGHT));
	EXPECT_EQ(0, target_end(&self->t));
}

static int outgrow(struct target_share *sh)
{
	uint8_t *p = memory_map(4 * NR);

	memory_fill(p, 0, NR / 2, 1);
	target_meet(sh, 2);
	for (uint64_t i = NR / 2; i < 4 * NR; i++) {
		memory_fill(p, i, i + 1, 1);
		atomic_store(&sh->value[0], i);
	}
	target_check(sh, memory_is(p, 0, 4 * NR, 1));
	return 0;
}

static bool begin_full(FIXTURE_DATA(device) * self, const char *when)
{
	struct pager_options opt = { .area_bytes = 4 * MIB, .args = { "--when-full", when } };

	if (pager_start(&self->pager, &opt))
		return false;
	self->t = target_start(&self->pager, outgrow, TARGET_BUDGET);
	if (!target_reached(&self->t, 2))
		return false;
	target_let(&self->t, 2);
	return true;
}

TEST_F_TIMEOUT(device, full_and_it_waits, 60)
{
	struct pager *pager = &self->pager;
	uint64_t at;

	ASSERT_TRUE(begin_full(self, "wait"));
	ASSERT_TRUE(wait_until(20, strstr(pager_status(pager, self->t.pid).text, "are full")));
	do {
		at = atomic_load(&self->t.share->value[0]);
		sleep_us(500000);
	} while (atomic_load(&self->t.share->value[0]) != at);
	EXPECT_GT(3 * NR, at);
	EXPECT_FALSE(target_is_over(&self->t));
	EXPECT_EQ(1, pager_logged_times(pager, "swap areas are full"));
	EXPECT_EQ(0, upager_set_budget(pager->client, self->t.pid, 32 * MIB, NULL));
	EXPECT_EQ(0, target_end(&self->t));
	EXPECT_EQ(0, pager_stop(pager));
}

TEST_F_TIMEOUT(device, full_and_it_gets_sigbus, 60)
{
	ASSERT_TRUE(begin_full(self, "sigbus"));
	EXPECT_EQ(TARGET_SIGNAL + SIGBUS, target_end(&self->t));
}

TEST_HARNESS_MAIN
