// SPDX-License-Identifier: GPL-2.0-only
/* Writes of one process to each kind of page, counted one by one. */
#include "actor.h"
#include "cow.h"

#include <sys/uio.h>

#define COW(...) ((struct cow){ __VA_ARGS__ })

FIXTURE(cow)
{
	pid_t pid;
};

FIXTURE_SETUP(cow)
{
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_TRUE(actor_write(0, 0, 1000));
	ASSERT_TRUE(actor_rest(0));
}

FIXTURE_TEARDOWN(cow)
{
	actor_leave();
}

/* The child's pages become its own and leave 300 of the parent's alone with it. */
TEST_F_TIMEOUT(cow, copies_of_each_side, LIMIT_S)
{
	struct cow parent, child;

	ASSERT_TRUE(actor_fork(0, 1));
	parent = cow_read(self->pid);
	child = cow_read(actor_pid(1));

	ASSERT_TRUE(actor_write(1, 0, 300));
	EXPECT_COW(COW(.copies = 300, .bytes_copied = 300 * PAGE_SIZE,
		       .shared_now_pages = (uint64_t)-300, .maybe_shared_pages = (uint64_t)-300),
		   actor_pid(1), child);
	EXPECT_COW(COW(.shared_now_pages = (uint64_t)-300, .children_copies = 300,
		       .children_bytes_copied = 300 * PAGE_SIZE),
		   self->pid, parent);

	child = cow_read(actor_pid(1));
	parent = cow_read(self->pid);
	ASSERT_TRUE(actor_write(0, 300, 200));
	EXPECT_COW(COW(.copies = 200, .bytes_copied = 200 * PAGE_SIZE,
		       .shared_now_pages = (uint64_t)-200, .maybe_shared_pages = (uint64_t)-200),
		   self->pid, parent);
	EXPECT_COW(COW(.shared_now_pages = (uint64_t)-200), actor_pid(1), child);

	/* Nobody else has these any more: the child keeps them as they are. */
	child = cow_read(actor_pid(1));
	ASSERT_TRUE(actor_write(1, 300, 200));
	EXPECT_COW(COW(.reuses_without_copy = 200, .maybe_shared_pages = (uint64_t)-200),
		   actor_pid(1), child);

	/* What is writable raises no fault and counts as nothing. */
	child = cow_read(actor_pid(1));
	ASSERT_TRUE(actor_write(1, 0, 500));
	EXPECT_COW(COW(0), actor_pid(1), child);
}

TEST_F_TIMEOUT(cow, reuse_after_the_child_ended, LIMIT_S)
{
	struct cow parent;

	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_write(0, 0, 100));
	ASSERT_TRUE(actor_do(1, ACT_EXIT, 0, 0));
	ASSERT_TRUE(actor_do(0, ACT_REAP, 0, 1));
	ASSERT_TRUE(actor_rest(0));
	ASSERT_TRUE(module_drain());
	parent = cow_read(self->pid);
	ASSERT_TRUE(actor_write(0, 0, 1000));
	EXPECT_COW(COW(.reuses_without_copy = 900, .maybe_shared_pages = (uint64_t)-900), self->pid,
		   parent);
}

TEST_F_TIMEOUT(cow, zero_page, LIMIT_S)
{
	struct cow before = cow_read(self->pid);

	ASSERT_TRUE(actor_read(0, 2000, 150));
	EXPECT_COW(COW(0), self->pid, before);
	ASSERT_TRUE(actor_write(0, 2000, 100));
	EXPECT_COW(COW(.zero_first_writes = 100), self->pid, before);
	/* First touches that are writes never see it. */
	ASSERT_TRUE(actor_write(0, 3000, 100));
	EXPECT_COW(COW(.zero_first_writes = 100), self->pid, before);
}

/* The file's own pages stay; nobody's copy of them is shared. */
TEST_F_TIMEOUT(cow, private_file_pages, LIMIT_S)
{
	struct cow before;
	uint64_t at = (uint64_t)stage->area + 3500 * PAGE_SIZE;
	int fd = memfd_create("file", 0);

	ASSERT_EQ(0, ftruncate(fd, 80 * PAGE_SIZE));
	for (unsigned int i = 0; i < 80; i++)
		ASSERT_EQ(1, pwrite(fd, "x", 1, (off_t)(i * PAGE_SIZE)));
	ASSERT_EQ((void *)at, mmap((void *)at, 80 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_FIXED, fd, 0));
	close(fd);
	/* Another actor, which gets the mapping and no page of it. */
	actor_leave();
	self->pid = actor_start();
	ASSERT_EQ(0, module_track(self->pid));
	before = cow_read(self->pid);

	ASSERT_TRUE(actor_write(0, 3500, 30));
	EXPECT_COW(COW(.file_first_writes = 30, .bytes_copied = 30 * PAGE_SIZE), self->pid, before);
	ASSERT_TRUE(actor_read(0, 3540, 40));
	EXPECT_COW(COW(.file_first_writes = 30, .bytes_copied = 30 * PAGE_SIZE), self->pid, before);
	ASSERT_TRUE(actor_write(0, 3540, 40));
	EXPECT_COW(COW(.file_first_writes = 70, .bytes_copied = 70 * PAGE_SIZE), self->pid, before);
	ASSERT_TRUE(actor_write(0, 3500, 30));
	EXPECT_COW(COW(.file_first_writes = 70, .bytes_copied = 70 * PAGE_SIZE), self->pid, before);
}

/* Who comes second finds the copy of who came first: one copy for each page, whoever wins. */
TEST_F_TIMEOUT(cow, four_threads_on_the_same_pages, LIMIT_S)
{
	struct cow before;

	ASSERT_TRUE(actor_write(0, 0, 4000));
	ASSERT_TRUE(actor_fork(0, 1));
	ASSERT_TRUE(actor_do(1, ACT_THREADS, 0, 3));
	ASSERT_EQ(3, stage->nr_threads);
	ASSERT_TRUE(actor_rest(1));
	before = cow_read(actor_pid(1));
	ASSERT_TRUE(actor_write(1, 0, 4000));
	EXPECT_COW(COW(.copies = 4000, .bytes_copied = 4000 * PAGE_SIZE,
		       .shared_now_pages = (uint64_t)-4000, .maybe_shared_pages = (uint64_t)-4000),
		   actor_pid(1), before);
}

/* What a debugger writes belongs to whose memory it is. */
TEST_F_TIMEOUT(cow, writes_from_outside, LIMIT_S)
{
	struct cow parent, child;
	char byte = 7;

	ASSERT_TRUE(actor_fork(0, 1));
	parent = cow_read(self->pid);
	child = cow_read(actor_pid(1));
	for (uint64_t i = 0; i < 10; i++) {
		void *at = (char *)stage->area + i * PAGE_SIZE;

		ASSERT_EQ(1, process_vm_writev(actor_pid(1), &(struct iovec){ &byte, 1 }, 1,
					       &(struct iovec){ at, 1 }, 1, 0));
	}
	EXPECT_COW(COW(.copies = 10, .bytes_copied = 10 * PAGE_SIZE,
		       .shared_now_pages = (uint64_t)-10, .maybe_shared_pages = (uint64_t)-10),
		   actor_pid(1), child);
	EXPECT_COW(COW(.shared_now_pages = (uint64_t)-10, .children_copies = 10,
		       .children_bytes_copied = 10 * PAGE_SIZE),
		   self->pid, parent);
}

TEST_F_TIMEOUT(cow, nothing_before_and_after_tracking, LIMIT_S)
{
	struct cow cow;

	ASSERT_TRUE(actor_read(0, 2000, 50));
	ASSERT_TRUE(actor_write(0, 2000, 50));
	ASSERT_EQ(0, module_untrack(self->pid));
	ASSERT_TRUE(actor_read(0, 2100, 50));
	ASSERT_TRUE(actor_write(0, 2100, 50));
	ASSERT_EQ(0, report_query(self->pid));
	EXPECT_TRUE(report_is("tracked", "0"));
	EXPECT_EQ(REPORT_NONE, report_value("zero_first_writes"));
	ASSERT_EQ(0, module_track(self->pid));
	cow = cow_read(self->pid);
	EXPECT_EQ(0, cow.zero_first_writes);
	EXPECT_EQ(0, cow.copies);
	EXPECT_EQ(0, cow.forks);
}

/* The copy is made by a function whose return address the tracer takes for itself. */
TEST_F_TIMEOUT(cow, copies_while_the_function_is_traced, LIMIT_S)
{
	static const char dir[] = "/sys/kernel/tracing";
	struct cow before;
	int traced;

	if (access("/sys/kernel/tracing/set_graph_function", W_OK))
		SKIP(return, "no function graph tracer in this kernel");
	ASSERT_TRUE(actor_fork(0, 1));
	before = cow_read(actor_pid(1));
	ASSERT_EQ(0, chdir(dir));
	ASSERT_EQ(0, system("echo ptep_clear_flush >set_ftrace_filter"));
	traced = system("echo function_graph >current_tracer");
	EXPECT_TRUE(actor_write(1, 0, 50));
	EXPECT_EQ(0, system("echo nop >current_tracer; echo >set_ftrace_filter"));
	ASSERT_EQ(0, traced);
	EXPECT_COW(COW(.copies = 50, .bytes_copied = 50 * PAGE_SIZE,
		       .shared_now_pages = (uint64_t)-50, .maybe_shared_pages = (uint64_t)-50),
		   actor_pid(1), before);
}

TEST_HARNESS_MAIN
