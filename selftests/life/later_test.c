// SPDX-License-Identifier: GPL-2.0-only
/*
 * What cannot be stopped at the moment that it nears its budget is paged later.
 * Regression: it was refused for ever, as with a long mmap(MAP_POPULATE).
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR 2048 /* pages: twice its budget */

PAGER_FIXTURE(later)

/* Its only thread waits for a child that shares its memory, where no stop reaches it. */
static int grow_in_vfork(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child = vfork();

	if (!child) {
		memory_fill(p, 0, NR, 1);
		atomic_store(&sh->at, 2);
		while (atomic_load(&sh->go) < 2)
			sleep_us(500);
		_exit(0);
	}
	target_check(sh, status_of(child) == 0);
	target_meet(sh, 3);
	for (uint64_t i = 0; i < NR; i++)
		target_check(sh, memory_page_is(p + i * PAGE_SIZE, 1, i));
	return 0;
}

static struct upager_record record;

static bool is_delayed(struct pager *pg, pid_t pid)
{
	record = pager_status(pg, pid);
	return record.text[0];
}

static bool is_evicted(struct pager *pg, pid_t pid)
{
	record = pager_status(pg, pid);
	return record.state == UPAGER_PROC_PAGED && record.evictions;
}

TEST_F(later, cannot_be_stopped_now)
{
	struct target t = target_fork(grow_in_vfork);

	ASSERT_TRUE(target_reached(&t, 1));
	ASSERT_EQ(0, upager_attach(self->pager.client, t.pid, TARGET_BUDGET, UPAGER_ATTACH_WATCH,
				   NULL));
	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_TRUE(wait_until(20, is_delayed(&self->pager, t.pid)));
	EXPECT_EQ(UPAGER_PROC_WATCHED, record.state) TH_LOG("%s", record.text);
	target_let(&t, 2);
	EXPECT_TRUE(wait_until(20, is_evicted(&self->pager, t.pid)));
	EXPECT_EQ(0, record.text[0]) TH_LOG("%s", record.text);
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
