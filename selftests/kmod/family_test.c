// SPDX-License-Identifier: GPL-2.0-only
/* Forks, what is no fork, children and theirs, and a life before and after exec. */
#include "actor.h"
#include "cow.h"

#include <dirent.h>

#define COW(...) ((struct cow){ __VA_ARGS__ })

FIXTURE(family)
{
	pid_t pid;
};

FIXTURE_SETUP(family)
{
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_TRUE(actor_write(0, 0, 600));
	ASSERT_TRUE(actor_rest(0));
}

FIXTURE_TEARDOWN(family)
{
	actor_leave();
}

static uint64_t page_table_bytes(pid_t pid)
{
	char path[64], line[256];
	uint64_t kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "VmPTE: %lu", &kib) != 1)
		;
	if (f)
		fclose(f);
	return kib * 1024;
}

TEST_F_TIMEOUT(family, forks_and_their_page_tables, LIMIT_S)
{
	struct cow before = cow_read(self->pid), one, two;

	EXPECT_EQ(0, before.forks);
	EXPECT_EQ(0, before.page_table_bytes_copied);
	ASSERT_TRUE(actor_fork(0, 1));
	one = cow_read(self->pid);
	EXPECT_EQ(1, one.forks);
	EXPECT_EQ(1, one.children);
	/* A table for 2 MiB of mapped memory at least; a child's tables only ever become more. */
	EXPECT_LE((600 / 512 + 1) * PAGE_SIZE, one.page_table_bytes_copied);
	EXPECT_GE(page_table_bytes(actor_pid(1)), one.page_table_bytes_copied);
	EXPECT_EQ(0, one.page_table_bytes_copied % PAGE_SIZE);

	ASSERT_TRUE(actor_fork(0, 2));
	two = cow_read(self->pid);
	EXPECT_EQ(2, two.forks);
	EXPECT_EQ(2, two.children);
	EXPECT_EQ(one.page_table_bytes_copied, two.page_table_bytes_copied / 2);
}

/* A child that runs in its parent's memory shares all of it: no page is copied, now or later. */
TEST_F_TIMEOUT(family, vfork_and_shared_memory_are_no_forks, LIMIT_S)
{
	struct cow before, now;

	/* The first child writes pages that are shared with the director. */
	ASSERT_TRUE(actor_do(0, ACT_SPAWN, 0, CLONE_VM | CLONE_VFORK));
	before = cow_read(self->pid);
	ASSERT_TRUE(actor_do(0, ACT_SPAWN, 0, CLONE_VM | CLONE_VFORK));
	ASSERT_TRUE(actor_do(0, ACT_SPAWN, 0, CLONE_VM));
	now = cow_since(cow_read(self->pid), before);
	EXPECT_EQ(0, now.forks);
	EXPECT_EQ(0, now.page_table_bytes_copied);
	EXPECT_EQ(0, now.copies);
	EXPECT_EQ(0, now.children_copies);
	ASSERT_TRUE(actor_do(0, ACT_THREADS, 0, 1));
	now = cow_since(cow_read(self->pid), before);
	EXPECT_EQ(0, now.forks);

	/* The same call without either is one. */
	ASSERT_TRUE(actor_do(0, ACT_SPAWN, 0, 0));
	now = cow_since(cow_read(self->pid), before);
	EXPECT_EQ(1, now.forks);
	EXPECT_LT(0, now.page_table_bytes_copied);
}

/* What children do is counted with them and, apart from its own, with the parent. */
TEST_F_TIMEOUT(family, children_are_counted_apart, LIMIT_S)
{
	struct cow parent, child, grandchild;

	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_write(1, 0, 100));
	ASSERT_TRUE(actor_fork(1, 2));
	ASSERT_TRUE(actor_write(2, 100, 50));
	ASSERT_TRUE(actor_write(0, 200, 70));

	grandchild = cow_read(actor_pid(2));
	child = cow_read(actor_pid(1));
	parent = cow_read(self->pid);
	EXPECT_EQ(1, child.children);
	EXPECT_EQ(grandchild.copies, child.children_copies);
	EXPECT_EQ(grandchild.reuses_without_copy, child.children_reuses);
	EXPECT_EQ(grandchild.bytes_copied, child.children_bytes_copied);
	EXPECT_EQ(1, parent.children);
	EXPECT_EQ(child.copies + grandchild.copies, parent.children_copies);
	/* Where the kernel has no place to see them, there are none. */
	if (parent.children_reuses != REPORT_NONE)
		EXPECT_EQ(child.reuses_without_copy + grandchild.reuses_without_copy,
			  parent.children_reuses);
	EXPECT_EQ(child.bytes_copied + grandchild.bytes_copied, parent.children_bytes_copied);
	EXPECT_LE(50, grandchild.copies);
	EXPECT_LE(100, child.copies);
	EXPECT_LE(70, parent.copies);
	EXPECT_EQ(1, parent.forks);
}

/* What an ended child did stays in its parent's counts. */
TEST_F_TIMEOUT(family, ended_children_still_count, LIMIT_S)
{
	struct cow child, parent;
	char path[64];

	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_write(1, 0, 100));
	child = cow_read(actor_pid(1));
	snprintf(path, sizeof(path), PROC_DIR "/%d", actor_pid(1));
	kill(actor_pid(1), SIGKILL);
	ASSERT_TRUE(actor_do(0, ACT_REAP, 0, 1));
	EXPECT_TRUE(wait_until(access(path, F_OK) && errno == ENOENT));
	parent = cow_read(self->pid);
	EXPECT_EQ(1, parent.children);
	EXPECT_EQ(child.copies, parent.children_copies);
	EXPECT_EQ(child.bytes_copied, parent.children_bytes_copied);
}

/* The counters belong to the process: another program of it goes on where the first was. */
TEST_F_TIMEOUT(family, exec_keeps_the_counters, LIMIT_S)
{
	struct cow before, after;

	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_write(1, 0, 300));
	before = cow_read(actor_pid(1));
	ASSERT_LE(300, before.copies);
	ASSERT_TRUE(actor_do(1, ACT_EXEC, 0, 0));
	ASSERT_TRUE(actor_rest(1));
	after = cow_read(actor_pid(1));
	/* A page or two of the stack that execve() was prepared on; a new program shares none. */
	EXPECT_LE(before.copies, after.copies);
	EXPECT_GE(before.copies + 4, after.copies);
	EXPECT_EQ(before.forks, after.forks);

	/* The new address space is the one that is looked at now. */
	ASSERT_TRUE(actor_read(1, 0, 40));
	ASSERT_TRUE(actor_write(1, 0, 40));
	EXPECT_COW(COW(.zero_first_writes = 40), actor_pid(1), after);
}

/* The same figures by whichever way they are asked for. */
TEST_F_TIMEOUT(family, query_and_file_agree, LIMIT_S)
{
	struct cow file, query;

	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_write(1, 0, 33));
	file = cow_read(actor_pid(1));
	ASSERT_EQ(0, report_query(actor_pid(1)));
	EXPECT_TRUE(report_is("tracked", "1"));
	query = cow_parse();
	EXPECT_EQ(0, memcmp(&file, &query, sizeof(file)));
	EXPECT_LE(33, query.copies);
}

/* What /proc/kpagecount says of each anonymous page that /proc/PID/pagemap has. */
static uint64_t shared_by_pagemap(pid_t pid)
{
	char path[64], line[4200], perms[5];
	uint64_t start, end, entry, count, flags, nr = 0;
	int pagemap, counts = open("/proc/kpagecount", O_RDONLY), kinds;
	FILE *maps;

	kinds = open("/proc/kpageflags", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	pagemap = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) != 3 || perms[3] != 'p')
			continue;
		for (; start < end; start += PAGE_SIZE) {
			if (pread(pagemap, &entry, 8, (off_t)(start / PAGE_SIZE * 8)) != 8 ||
			    !(entry >> 63))
				continue;
			entry &= (1ULL << 55) - 1;
			if (pread(counts, &count, 8, (off_t)entry * 8) == 8 &&
			    pread(kinds, &flags, 8, (off_t)entry * 8) == 8)
				nr += count > 1 && flags & 1 << 12; /* KPF_ANON */
		}
	}
	if (maps)
		fclose(maps);
	close(pagemap);
	close(counts);
	close(kinds);
	return nr;
}

TEST_F_TIMEOUT(family, shared_pages_are_those_of_pagemap, LIMIT_S)
{
	if (access("/proc/kpagecount", R_OK))
		SKIP(return, "no /proc/kpagecount in this kernel");
	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_write(1, 0, 123));
	for (int i = 0; i < 2; i++) {
		uint64_t expected = shared_by_pagemap(actor_pid(i));

		EXPECT_LE(477, expected);
		EXPECT_EQ(expected, cow_read(actor_pid(i)).shared_now_pages);
		EXPECT_LE(expected, cow_read(actor_pid(i)).maybe_shared_pages);
	}
}

TEST_HARNESS_MAIN
