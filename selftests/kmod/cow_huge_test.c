// SPDX-License-Identifier: GPL-2.0-only
/* Copy-on-write of transparent huge pages: one look at the whole, then copies of small pages. */
#include "actor.h"
#include "cow.h"

#define COW(...)   ((struct cow){ __VA_ARGS__ })
#define NR_SMALL   (HUGE_SIZE / PAGE_SIZE)
#define HUGE_AT(n) ((uint64_t)stage->huge + (n)*HUGE_SIZE)

/* Huge pages of a process that are mapped as a whole, as smaps has it. */
static uint64_t huge_pages(pid_t pid)
{
	char path[64], line[256];
	uint64_t kib, sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			sum += kib * 1024;
	if (f)
		fclose(f);
	return sum / HUGE_SIZE;
}

FIXTURE(huge)
{
	pid_t pid;
};

FIXTURE_SETUP(huge)
{
	if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK))
		SKIP(return, "no transparent huge pages in this kernel");
	ASSERT_EQ(0, system("echo madvise >/sys/kernel/mm/transparent_hugepage/enabled"));
	ASSERT_EQ(0, actor_stage());
	ASSERT_EQ(0, madvise((void *)stage->huge, 4 * HUGE_SIZE, MADV_HUGEPAGE));
	self->pid = actor_start();
	for (uint64_t i = 0; i < 3; i++)
		ASSERT_TRUE(actor_do(0, ACT_WRITE, HUGE_AT(i), NR_SMALL));
	ASSERT_TRUE(actor_rest(0));
	ASSERT_EQ(0, module_track(self->pid));
	if (huge_pages(self->pid) != 3)
		SKIP(return, "the kernel gave no huge pages");
}

FIXTURE_TEARDOWN(huge)
{
	actor_leave();
}

TEST_F_TIMEOUT(huge, shared_page_is_split_and_copied, LIMIT_S)
{
	struct cow parent, child;

	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_EQ(3, huge_pages(actor_pid(1)));
	parent = cow_read(self->pid);
	child = cow_read(actor_pid(1));
	EXPECT_LE(3 * NR_SMALL, child.shared_now_pages);

	ASSERT_TRUE(actor_do(1, ACT_WRITE, HUGE_AT(0) + 5 * PAGE_SIZE, 6));
	EXPECT_COW(COW(.huge_breaks = 1, .huge_splits = 1, .huge_split_bytes = HUGE_SIZE,
		       .copies = 6, .bytes_copied = 6 * PAGE_SIZE, .shared_now_pages = (uint64_t)-6,
		       .maybe_shared_pages = (uint64_t)-6),
		   actor_pid(1), child);
	EXPECT_EQ(2, huge_pages(actor_pid(1)));
	EXPECT_EQ(3, huge_pages(self->pid));
	EXPECT_EQ(0, cow_since(cow_read(self->pid), parent).huge_breaks);
	EXPECT_EQ(6, cow_since(cow_read(self->pid), parent).children_copies);
}

TEST_F_TIMEOUT(huge, page_of_nobody_else_is_kept_whole, LIMIT_S)
{
	struct cow before;

	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_do(1, ACT_EXIT, 0, 0));
	ASSERT_TRUE(actor_do(0, ACT_REAP, 0, 1));
	ASSERT_TRUE(actor_rest(0));
	before = cow_read(self->pid);
	ASSERT_TRUE(actor_do(0, ACT_WRITE, HUGE_AT(1), NR_SMALL));
	EXPECT_EQ(1, cow_since(cow_read(self->pid), before).huge_breaks);
	EXPECT_EQ(0, cow_since(cow_read(self->pid), before).huge_splits);
	EXPECT_EQ(0, cow_since(cow_read(self->pid), before).copies);
	EXPECT_EQ(0, cow_since(cow_read(self->pid), before).bytes_copied);
	EXPECT_EQ(-(int64_t)NR_SMALL,
		  (int64_t)cow_since(cow_read(self->pid), before).maybe_shared_pages);
	EXPECT_EQ(3, huge_pages(self->pid));
}

/* The huge zero page: replaced by a huge page, or split into small zero pages (6.1). */
TEST_F_TIMEOUT(huge, zero_page, LIMIT_S)
{
	struct cow before, now;

	ASSERT_EQ(0, system("echo 1 >/sys/kernel/mm/transparent_hugepage/use_zero_page"));
	ASSERT_TRUE(actor_do(0, ACT_READ, HUGE_AT(3), 1));
	before = cow_read(self->pid);
	ASSERT_TRUE(actor_do(0, ACT_WRITE, HUGE_AT(3) + 7 * PAGE_SIZE, 1));
	now = cow_since(cow_read(self->pid), before);
	EXPECT_EQ(1, now.huge_zero_writes);
	EXPECT_EQ(1, now.huge_breaks);
	EXPECT_EQ(0, now.huge_splits);
	EXPECT_EQ(0, now.copies);
	EXPECT_EQ(huge_pages(self->pid) == 4 ? HUGE_SIZE : 0, now.huge_zero_bytes);
	EXPECT_EQ(huge_pages(self->pid) == 4 ? 0 : 1, now.zero_first_writes);
}

FIXTURE(hugetlb)
{
	pid_t pid;
	char *page;
};

FIXTURE_SETUP(hugetlb)
{
	if (system("echo 4 >/proc/sys/vm/nr_hugepages") ||
	    (self->page = mmap(NULL, 2 * HUGE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0)) == MAP_FAILED)
		SKIP(return, "no pages of hugetlbfs to be had");
	self->page[0] = 1;
	self->page[HUGE_SIZE] = 1;
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_EQ(0, module_track(self->pid));
}

FIXTURE_TEARDOWN(hugetlb)
{
	actor_leave();
	munmap(self->page, 2 * HUGE_SIZE);
	ASSERT_EQ(0, system("echo 0 >/proc/sys/vm/nr_hugepages"));
}

TEST_F_TIMEOUT(hugetlb, copies_have_their_own_size, LIMIT_S)
{
	struct cow before = cow_read(self->pid);

	/* Both were the director's before it forked the actor. */
	ASSERT_TRUE(actor_do(0, ACT_WRITE, (uint64_t)self->page, 1));
	ASSERT_TRUE(actor_do(0, ACT_WRITE, (uint64_t)self->page + HUGE_SIZE, 1));
	EXPECT_COW(COW(.hugetlb_copies = 2, .hugetlb_bytes_copied = 2 * HUGE_SIZE,
		       .bytes_copied = 2 * HUGE_SIZE),
		   self->pid, before);
}

TEST_HARNESS_MAIN
