// SPDX-License-Identifier: GPL-2.0-only
/* Which process a fork's child is, and what becomes of it. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <sys/uio.h>

#define NR 512 /* pages */

PAGER_FIXTURE(child)

/* A child that rests until it is let, having touched nothing; then it reads everything. */
static int rest(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	int status;
	pid_t pid;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	atomic_store(&sh->value[1], (uintptr_t)p);
	pid = fork();
	if (!pid) {
		target_meet(sh, 2);
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	}
	atomic_store(&sh->value[0], (uint64_t)pid);
	target_check(sh, waitpid(pid, &status, 0) == pid);
	target_check(sh, status == 0);
	return 0;
}

/* What a debugger does.  Its own thread id is in the fault that this raises. */
static pid_t read_from(pid_t pid, uint64_t addr)
{
	pid_t reader = fork();
	char byte;

	if (reader)
		return reader;
	for (uint64_t i = 0; i < NR; i++)
		process_vm_readv(pid, &(struct iovec){ &byte, 1 }, 1,
				 &(struct iovec){ (void *)(uintptr_t)(addr + i * PAGE_SIZE), 1 }, 1,
				 0);
	_exit(0);
}

TEST_F_TIMEOUT(child, is_not_its_first_reader, 60)
{
	struct target t = target_start(&self->pager, rest, TARGET_BUDGET);
	pid_t reader, child;
	int status;

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_TRUE(wait_until(10, atomic_load(&t.share->value[0])));
	child = (pid_t)atomic_load(&t.share->value[0]);
	reader = read_from(child, atomic_load(&t.share->value[1]));
	sleep_us(300000); /* the reader waits for a page, and the daemon has looked at it */
	target_let(&t, 2);
	EXPECT_EQ(0, target_end_within(&t, 40));
	EXPECT_TRUE(wait_until(20, waitpid(reader, &status, WNOHANG) == reader));
	kill(reader, SIGKILL);
}

/* A child that touches nothing is found nevertheless: SIGTERM gives it all back. */
TEST_F_TIMEOUT(child, rests_while_the_pager_stops, 60)
{
	struct target t = target_start(&self->pager, rest, TARGET_BUDGET);
	pid_t child;

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_TRUE(wait_until(10, atomic_load(&t.share->value[0])));
	child = (pid_t)atomic_load(&t.share->value[0]);
	EXPECT_TRUE(wait_until(10, pager_status(&self->pager, child).swapped_bytes > 0));
	EXPECT_EQ(0, pager_stop(&self->pager));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end_within(&t, 30));
}

/* Where the [stack] of a process is; false if that cannot be told yet. */
static bool stack_of(pid_t pid, uint64_t *start)
{
	char path[64], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "[stack]") && sscanf(line, "%lx-", start) == 1;
	if (f)
		fclose(f);
	return found;
}

/* Another child, whose stack is where memory of the first is, and which is asked before it. */
static uint8_t *map_at_stack(pid_t *pid)
{
	for (int i = 0; i < 8; i++) {
		uint64_t start;
		uint8_t *p;

		*pid = fork();
		if (!*pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			execl("/bin/sleep", "sleep", "60", NULL);
			_exit(4);
		}
		sleep_us(100000);
		p = stack_of(*pid, &start)
			    ? mmap((void *)(start - NR / 2 * PAGE_SIZE), NR * PAGE_SIZE,
				   PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)
			    : MAP_FAILED;
		if (p != MAP_FAILED && !madvise(p, NR * PAGE_SIZE, MADV_NOHUGEPAGE))
			return p;
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	return NULL;
}

static int rest_beside(struct target_share *sh)
{
	pid_t other, pid;
	uint8_t *p = map_at_stack(&other);
	int status;

	target_check(sh, p);
	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	pid = fork();
	if (!pid) {
		target_meet(sh, 2);
		_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
	}
	atomic_store(&sh->value[0], (uint64_t)pid);
	target_check(sh, waitpid(pid, &status, 0) == pid);
	target_check(sh, status == 0);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	return 0;
}

TEST_F_TIMEOUT(child, keeps_what_lies_where_others_have_their_stacks, 60)
{
	struct target t = target_start(&self->pager, rest_beside, TARGET_BUDGET);
	pid_t child;

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_TRUE(wait_until(10, atomic_load(&t.share->value[0])));
	child = (pid_t)atomic_load(&t.share->value[0]);
	EXPECT_TRUE(wait_until(10, pager_status(&self->pager, child).swapped_bytes > 0));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end_within(&t, 30));
}

/* A child is replaced before it ever got an agent: the new program is watched in its place. */
static int replace(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	int status;
	pid_t pid;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	pid = fork();
	if (!pid) {
		if (!memory_is(p, 0, 8, 1))
			_exit(3);
		target_meet(sh, 2);
		execl("/bin/sleep", "sleep", "30", NULL);
		_exit(4);
	}
	atomic_store(&sh->value[0], (uint64_t)pid);
	target_check(sh, waitpid(pid, &status, 0) == pid);
	target_check(sh, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(child, is_replaced, 60)
{
	struct target t = target_start(&self->pager, replace, TARGET_BUDGET);
	pid_t child;

	ASSERT_TRUE(target_reached(&t, 2));
	ASSERT_TRUE(wait_until(10, atomic_load(&t.share->value[0])));
	child = (pid_t)atomic_load(&t.share->value[0]);
	EXPECT_TRUE(wait_until(10, pager_status(&self->pager, child).swapped_bytes > 0));
	target_let(&t, 2);
	EXPECT_TRUE(wait_until(10, pager_status(&self->pager, child).pid == child &&
					   pager_status(&self->pager, child).swapped_bytes == 0));
	EXPECT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(0, target_end_within(&t, 30));
}

/* Nobody finds out which processes they are. */
PAGER_FIXTURE_FAILING(unknown_child, "child_asked=err:3")

/* One page of it is present at the fork, which tells what became of all others. */
static int read_everything(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, 1);
	for (int i = 0; i < 3; i++) {
		pid_t child;

		target_check(sh, memory_push_far(p, NR));
		target_check(sh, memory_page_is(p + NR / 2 * PAGE_SIZE, 1, NR / 2));
		child = fork();
		if (!child)
			_exit(memory_is(p, 0, NR, 1) ? 0 : 3);
		target_check(sh, status_of(child) == 0);
	}
	return 0;
}

/* Regression: it waited until its process was found, and for all that the daemon did meanwhile. */
TEST_F_TIMEOUT(unknown_child, has_what_it_was_handed_on, 60)
{
	struct target t = target_start(&self->pager, read_everything, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 30));
}

/* What it puts in the place of a page that was wiped does not tell that others were not. */
static void read_wiped(struct target_share *sh, uint8_t *p, uint64_t present)
{
	bool zero = memory_page_is_zero(p + present * PAGE_SIZE);

	memory_fill(p, present, present + 1, 2);
	atomic_store(&sh->value[1], zero && memory_page_is(p + present * PAGE_SIZE, 2, present));
	atomic_store(&sh->value[2], memory_is_zero(p, 0, present) ? 1 : 2);
}

static int wipe(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	pid_t child;

	memory_fill(p, 0, NR, 1);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_WIPEONFORK));
	target_check(sh, memory_page_is(p + NR / 2 * PAGE_SIZE, 1, NR / 2));
	child = fork();
	if (!child) {
		read_wiped(sh, p, NR / 2);
		_exit(0);
	}
	target_check(sh, wait_until(10, atomic_load(&sh->value[1])));
	sleep_us(300000);
	target_check(sh, atomic_load(&sh->value[2]) != 2);
	target_check(sh, !kill(child, SIGKILL));
	status_of(child);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

TEST_F_TIMEOUT(unknown_child, has_nothing_of_what_was_wiped, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, wipe));
}

TEST_HARNESS_MAIN
