// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regression: that a page was written did not show in its soft-dirty bit after
 * it had left.  Who tracks its writes by these keeps all its pages.
 */
#include "kernel/soft_dirty.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <sys/wait.h>

#define NR 1024 /* pages: as many as the budget */

PAGER_FIXTURE(soft_dirty)

static bool clear_all(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	bool cleared = write(fd, "4", 1) == 1;

	close(fd);
	return cleared;
}

/* Every third page is written, zeros to one of two; the first that does not show, or NR. */
static uint64_t find_unreported(uint8_t *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry, page = 0;

	for (uint64_t i = 0; i < NR; i += 3)
		i % 2 ? memory_fill_page(p + i * PAGE_SIZE, 2, i)
		      : (void)memset(p + i * PAGE_SIZE, 0, PAGE_SIZE);
	for (int i = 0; i < 4; i++)
		memory_press();
	for (; page < NR; page += 3) {
		if (pread(fd, &entry, sizeof(entry),
			  (off_t)(((uintptr_t)p / PAGE_SIZE + page) * sizeof(entry))) !=
			    (ssize_t)sizeof(entry) ||
		    !(entry >> 55 & 1))
			break;
	}
	close(fd);
	return page < NR ? page : NR;
}

static bool is_written(const uint8_t *p, bool twice)
{
	bool is = true;

	for (uint64_t i = 0; i < NR; i++)
		is &= !twice || i % 3 ? memory_page_is(p + i * PAGE_SIZE, 1, i)
		      : i % 2	      ? memory_page_is(p + i * PAGE_SIZE, 2, i)
				      : memory_page_is_zero(p + i * PAGE_SIZE);
	return is;
}

/* More than the budget is there, when it begins. */
static int begin_to_track(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	int status;
	pid_t pid;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_out(p, NR / 4));
	target_check(sh, clear_all());
	target_check(sh, find_unreported(p) == NR);
	target_meet(sh, 2);
	target_check(sh, clear_all());
	target_check(sh, find_unreported(p) == NR);
	target_check(sh, is_written(p, true));
	/* A child goes on tracking. */
	target_check(sh, clear_all());
	pid = fork();
	if (!pid)
		_exit(find_unreported(p) != NR || !is_written(p, true));
	target_check(sh, waitpid(pid, &status, 0) == pid && !status);
	return 0;
}

TEST_F_TIMEOUT(soft_dirty, begun_while_paged, 500)
{
	struct upager_record rec;
	struct target t;

	if (!soft_dirty_exists())
		SKIP(return, "this kernel has no soft-dirty bits");
	t = target_start(&self->pager, begin_to_track, TARGET_BUDGET);
	EXPECT_TRUE(target_reached(&t, 2));
	rec = pager_status(&self->pager, t.pid);
	EXPECT_NE(NULL, strstr(rec.text, "soft-dirty"));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end_within(&t, 100));
}

static int track(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	target_check(sh, clear_all());
	atomic_store(&sh->at, 2);
	while (atomic_load(&sh->go) < 2)
		sleep_us(500);
	target_check(sh, find_unreported(p) == NR);
	return 0;
}

TEST_F(soft_dirty, refused_where_it_tracks_already)
{
	struct target t;

	if (!soft_dirty_exists())
		SKIP(return, "this kernel has no soft-dirty bits");
	t = target_fork(track);
	ASSERT_TRUE(target_reached(&t, 1));
	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(-EOPNOTSUPP, upager_attach(self->pager.client, t.pid, TARGET_BUDGET, 0, NULL));
	EXPECT_NE(NULL, strstr(upager_last_reply(self->pager.client)->text, "soft-dirty"));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
