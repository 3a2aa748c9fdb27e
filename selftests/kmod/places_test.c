// SPDX-License-Identifier: GPL-2.0-only
/* Where pages were copied: by file, heap, stack and what has no name, in bounded memory. */
#include "actor.h"
#include "cow.h"

FIXTURE(places)
{
	pid_t pid;
};

FIXTURE_SETUP(places)
{
	ASSERT_EQ(0, actor_stage());
	self->pid = actor_start();
	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_TRUE(actor_write(0, 0, 100));
}

FIXTURE_TEARDOWN(places)
{
	actor_leave();
}

/* What all places of a name have. */
static uint64_t copied(const char *name, const char *key)
{
	struct report_line line = { 0 };
	bool named = false;
	uint64_t all = 0;

	while (report_next(&line)) {
		if (!strcmp(line.key, "place_name"))
			named = !strcmp(line.value, name);
		else if (named && !strcmp(line.key, key))
			all += strtoull(line.value, NULL, 10);
	}
	return all;
}

static uint64_t sum(const char *key)
{
	struct report_line line = { 0 };
	uint64_t all = 0;

	while (report_next(&line))
		all += strcmp(line.key, key) ? 0 : strtoull(line.value, NULL, 10);
	return all;
}

/* Of the director, too, once it was written: then an actor, which is tracked before it writes. */
static pid_t start_again(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = actor_start();
	return module_track(pid) ? -1 : pid;
}

static char data[8 * PAGE_SIZE] __attribute__((aligned(4096))) = { 1 };

TEST_F_TIMEOUT(places, add_up, LIMIT_S)
{
	char stack[8 * PAGE_SIZE] __attribute__((aligned(4096)));
	struct cow before, now;

	memset(stack, 1, sizeof(stack));
	memset(data, 2, sizeof(data));
	for (size_t i = 0; i < 60; i++)
		stage->area[i * PAGE_SIZE] = 1;
	self->pid = start_again(self->pid);
	ASSERT_LT(0, self->pid);
	before = cow_read(self->pid);
	EXPECT_EQ(before.copies + before.file_first_writes, sum("place_copies"));
	ASSERT_TRUE(actor_write(0, 0, 60));
	ASSERT_TRUE(actor_do(0, ACT_WRITE, (uint64_t)data + 5 * PAGE_SIZE, 3));
	ASSERT_TRUE(actor_do(0, ACT_WRITE, (uint64_t)stack + 2 * PAGE_SIZE, 2));
	now = cow_read(self->pid);
	EXPECT_EQ(before.copies + 65, now.copies);
	EXPECT_EQ(now.copies + now.file_first_writes, sum("place_copies"));
	EXPECT_EQ(now.bytes_copied, sum("place_bytes"));
	EXPECT_LE(60, copied("[anon]", "place_copies"));
	EXPECT_LE(60 * PAGE_SIZE, copied("[anon]", "place_bytes"));
	EXPECT_LE(3, copied("places_test", "place_copies"));
	EXPECT_LE(2, copied("[stack]", "place_copies"));
	EXPECT_GE(before.copies + 65, copied("[stack]", "place_copies") +
					      copied("places_test", "place_copies") +
					      copied("[anon]", "place_copies"));
}

/* More places than there is room for, each with a page that is copied. */
TEST_F_TIMEOUT(places, are_bounded, LIMIT_S)
{
	const uint64_t apart = 128UL << 20;
	struct report_line line = { 0 };
	struct cow cow;
	unsigned int nr = 0;
	uint64_t room;

	/* Mapped by the director before the actor was, or nothing of it would be the actor's. */
	room = (uint64_t)mmap(NULL, 40 * apart, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE((uint64_t)MAP_FAILED, room);
	for (uint64_t i = 0; i < 40; i++)
		*(volatile char *)(room + i * apart) = 1;
	self->pid = start_again(self->pid);
	ASSERT_LT(0, self->pid);
	for (uint64_t i = 0; i < 40; i++)
		ASSERT_TRUE(actor_do(0, ACT_WRITE, room + i * apart, 1));
	cow = cow_read(self->pid);
	EXPECT_LE(40, cow.copies);
	EXPECT_EQ(cow.copies + cow.file_first_writes, sum("place_copies"));
	while (report_next(&line))
		nr += !strcmp(line.key, "place");
	EXPECT_EQ(17, nr);
	EXPECT_LE(40 - 16, copied("[others]", "place_copies"));
	munmap((void *)room, 40 * apart);
}

TEST_HARNESS_MAIN
