// SPDX-License-Identifier: GPL-2.0-only
/* Devices that fail: SIGBUS where data is lost, never wrong data, and nothing lost without need. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <setjmp.h>

#define NR 1024 /* pages */

static sigjmp_buf caught;

/* All else stays, or the program itself would meet the loss, and not where it is expected. */
static bool lock_all_but(uint8_t *p, uint64_t nr_pages)
{
	return !mlockall(MCL_CURRENT) && !munlock(p, nr_pages * PAGE_SIZE);
}

static void catch (int sig)
{
	siglongjmp(caught, sig);
}

/* Counts what reading each page comes to. */
static void survey(struct target_share *sh, uint8_t *p, uint64_t nr_pages, uint64_t seed)
{
	signal(SIGBUS, catch);
	for (volatile uint64_t i = 0; i < nr_pages; i++) {
		if (sigsetjmp(caught, 1))
			atomic_fetch_add(&sh->value[1], 1);
		else if (memory_page_is(p + i * PAGE_SIZE, seed, i))
			atomic_fetch_add(&sh->value[0], 1);
		else
			atomic_fetch_add(&sh->value[2], 1);
	}
	signal(SIGBUS, SIG_DFL);
}

static int lose(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	target_check(sh, lock_all_but(p, NR));
	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_meet(sh, 2);
	survey(sh, p, NR, 1);
	/* What was lost is the program's to write anew. */
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_DONTNEED));
	memory_fill(p, 0, NR, 2);
	target_check(sh, memory_is(p, 0, NR, 2));
	return 0;
}

static bool overwrite_area(const char *path, uint64_t from, uint64_t bytes)
{
	static uint8_t junk[MIB];
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0;

	memset(junk, 0xa5, sizeof(junk));
	for (uint64_t at = from; ok && at < bytes; at += sizeof(junk))
		ok = pwrite(fd, junk, sizeof(junk), (off_t)at) == (ssize_t)sizeof(junk);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return ok;
}

FIXTURE(error)
{
	struct pager pager;
};

FIXTURE_VARIANT(error)
{
	const char *disable;
};

FIXTURE_VARIANT_ADD(error, poison){ .disable = NULL };
FIXTURE_VARIANT_ADD(error, signal){ .disable = "poison" };

FIXTURE_SETUP(error)
{
	struct pager_options opt = { .disable = variant->disable };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
}

FIXTURE_TEARDOWN(error)
{
	pager_fini(&self->pager);
}

TEST_F_TIMEOUT(error, corrupt_area_raises_sigbus, 60)
{
	struct target t = target_start(&self->pager, lose, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_TRUE(overwrite_area(self->pager.area, MIB, 64 * MIB));
	target_let(&t, 2);
	EXPECT_TRUE(wait_until(30, atomic_load(&t.share->value[0]) +
						   atomic_load(&t.share->value[1]) +
						   atomic_load(&t.share->value[2]) ==
					   NR));
	EXPECT_EQ(0, atomic_load(&t.share->value[2]));
	EXPECT_GT(atomic_load(&t.share->value[1]), NR / 2);
	EXPECT_GT(pager_status(&self->pager, t.pid).checksum_failures, NR / 2);
	EXPECT_EQ(0, target_end(&t));
}

/* Where the kernel cannot poison them, lost pages are not left to read as zeros. */
TEST_F_TIMEOUT(error, detach_gives_no_zeros, 60)
{
	struct target t = target_start(&self->pager, lose, TARGET_BUDGET);
	int err;

	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_TRUE(overwrite_area(self->pager.area, MIB, 64 * MIB));
	err = upager_detach(self->pager.client, t.pid, NULL);
	EXPECT_EQ(variant->disable ? -EIO : 0, err);
	target_let(&t, 2);
	EXPECT_TRUE(wait_until(30, atomic_load(&t.share->value[0]) +
						   atomic_load(&t.share->value[1]) +
						   atomic_load(&t.share->value[2]) ==
					   NR));
	EXPECT_EQ(0, atomic_load(&t.share->value[2]));
	EXPECT_GT(atomic_load(&t.share->value[1]), NR / 2);
	EXPECT_EQ(0, target_end(&t));
}

static int keep(struct target_share *sh)
{
	uint8_t *p = memory_map(4 * NR);

	for (uint64_t i = 1; i <= 3; i++) {
		memory_fill(p, 0, 4 * NR, i);
		target_check(sh, memory_is(p, 0, 4 * NR, i));
	}
	target_meet(sh, 2);
	return 0;
}

static void run_with(struct __test_metadata *_metadata, struct pager_options *opt,
		     bool (*expect)(struct pager *, struct upager_record))
{
	struct upager_record rec;
	struct pager pager;
	struct target t;

	ASSERT_EQ(0, pager_start(&pager, opt));
	t = target_start(&pager, keep, TARGET_BUDGET);
	EXPECT_TRUE(target_reached(&t, 2));
	rec = pager_status(&pager, t.pid);
	EXPECT_TRUE(expect(&pager, rec)) pager_show_log(&pager);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
	pager_fini(&pager);
}

static bool had_errors(struct pager *pg, struct upager_record rec)
{
	(void)pg;
	return rec.io_errors > 0;
}

static bool said_full(struct pager *pg, struct upager_record rec)
{
	(void)rec;
	return pager_logged(pg, "swap areas are full");
}

TEST(one_read_fails)
{
	run_with(_metadata, &(struct pager_options){ .failpoints = "store_read=err:5@7" },
		 had_errors);
}

TEST(one_write_fails)
{
	run_with(_metadata, &(struct pager_options){ .failpoints = "store_write=err:5@3" },
		 had_errors);
}

/* The program goes on over its budget with what no device takes. */
TEST(every_write_fails)
{
	run_with(_metadata, &(struct pager_options){ .failpoints = "store_write=err:5" },
		 had_errors);
}

TEST(area_is_full)
{
	run_with(_metadata, &(struct pager_options){ .area_bytes = 4 * MIB }, said_full);
}

static bool first_block_used(const char *path)
{
	static const uint8_t zero[PAGE_SIZE];
	uint8_t data[PAGE_SIZE];
	int fd = open(path, O_RDONLY);
	bool used = false;

	for (off_t at = (off_t)PAGE_SIZE;
	     !used && fd >= 0 && pread(fd, data, PAGE_SIZE, at) == (ssize_t)PAGE_SIZE;
	     at += (off_t)PAGE_SIZE)
		used = memcmp(data, zero, PAGE_SIZE);
	close(fd);
	return used;
}

static bool preferred_used(struct pager *pg, struct upager_record rec)
{
	(void)rec;
	return first_block_used(pg->area2) && !first_block_used(pg->area);
}

static bool both_used(struct pager *pg, struct upager_record rec)
{
	(void)rec;
	return first_block_used(pg->area2) && first_block_used(pg->area);
}

TEST(area_of_higher_priority_is_used_first)
{
	run_with(_metadata, &(struct pager_options){ .area2_bytes = 64 * MIB }, preferred_used);
}

TEST(area_of_lower_priority_is_used_then)
{
	run_with(_metadata, &(struct pager_options){ .area2_bytes = 8 * MIB }, both_used);
}

static int survey_once(struct target_share *sh)
{
	uint8_t *p = memory_map(3 * NR);

	target_check(sh, lock_all_but(p, 3 * NR));
	memory_fill(p, 0, 3 * NR, 1);
	/* It may be faster than the pager; what is over the budget leaves soon. */
	target_check(sh, wait_until(15, memory_resident(p, 3 * NR) < NR + NR / 8));
	survey(sh, p, 3 * NR, 1);
	return 0;
}

/* Every read fails: SIGBUS, never anything else. */
TEST(every_read_fails)
{
	struct pager_options opt = { .failpoints = "store_read=err:5",
				     .args = { "--io-retry", "0" } };
	struct pager pager;
	struct target t;

	ASSERT_EQ(0, pager_start(&pager, &opt));
	t = target_start(&pager, survey_once, TARGET_BUDGET);
	EXPECT_TRUE(wait_until(20, target_is_over(&t)));
	EXPECT_GT(atomic_load(&t.share->value[1]), NR / 2);
	/* What is in memory or in standby, and is not evicted before it is read. */
	EXPECT_GT(atomic_load(&t.share->value[0]), NR / 16);
	EXPECT_EQ(0, atomic_load(&t.share->value[2]));
	EXPECT_EQ(0, target_end(&t));
	pager_fini(&pager);
}

TEST_HARNESS_MAIN
