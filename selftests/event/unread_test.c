// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process just did to its mappings while the daemon was busy: nothing
 * may be concluded from its maps before the event is read.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>

#define NR     256 /* pages */
#define ROUNDS 8

#define MOVE_US 3000
/* The worker is busy while a child is found and looked at; the child moves meanwhile. */
PAGER_FIXTURE_FAILING(unread, "fork_applied=delay:60000,child_asked=delay:30000")

static bool move(uint8_t *from, uint8_t *to)
{
	return mremap(from, NR * PAGE_SIZE, NR * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
	       to;
}

static uint8_t *hole(void)
{
	uint8_t *p = memory_map(NR);

	munmap(p, NR * PAGE_SIZE);
	return p;
}

static int child_moves(struct target_share *sh)
{
	uint8_t *p = memory_map(NR), *to = hole();
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	for (int i = 0; i < ROUNDS; i++) {
		child = fork();
		if (!child) {
			sleep_us(MOVE_US * (unsigned int)(i + 1));
			if (!move(p, to))
				_exit(4);
			_exit(memory_is(to, 0, NR, 1) ? 0 : 3);
		}
		target_check(sh, !status_of(child));
	}
	return 0;
}

/* Regression: it read zeros. */
TEST_F_TIMEOUT(unread, child_moves_before_its_first_fault, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, child_moves));
}

/* What is not handed on comes where something was that was. */
static int parent_moves(struct target_share *sh)
{
	uint8_t *wiped = memory_map(NR), *p, *at;
	pid_t child;

	target_check(sh, !madvise(wiped, NR * PAGE_SIZE, MADV_WIPEONFORK));
	for (int i = 0; i < ROUNDS / 4; i++) {
		p = memory_map(NR);
		memory_fill(p, 0, NR, 1);
		target_check(sh, memory_push_far(p, NR));
		child = fork();
		if (!child)
			_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
		at = wiped;
		wiped = p;
		target_check(sh, move(at, wiped));
		target_check(sh, !status_of(child));
	}
	return 0;
}

TEST_F_TIMEOUT(unread, parent_moves_after_the_fork, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, parent_moves));
}

TEST_HARNESS_MAIN
