// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that grows by a page at a time is one mapping for a program, and must
 * stay few ones.  Regression: each page was registered by itself as soon as it was
 * touched, so that no two of them were one mapping, until there were none left.
 */
#include "kernel/max_map_count.h"
#include "kernel/vma.h"
#include "selftests/memory.h"
#include "selftests/target.h"

#include <fcntl.h>
#include <kselftest_harness.h>

#define ARENAS	   16
#define ROOM	   112 /* pages of an arena */
#define BEGUN	   80 /* all together more than the budget */
#define STEP_US	   200000
#define PART	   5 /* pages that a mapping has at least: a sixteenth of the budget, in so many arenas */
#define CROWD_PART 10 /* an eighth of the arena */

PAGER_FIXTURE(grow)

struct count {
	uint64_t start;
	uint64_t end;
	uint32_t nr;
};

static bool count_in_room(void *context, const struct vma *v)
{
	struct count *c = context;

	c->nr += v->write && v->start >= c->start && v->end <= c->end;
	return true;
}

static uint32_t mappings_of(const uint8_t *room)
{
	struct count c = { (uintptr_t)room, (uintptr_t)room + ARENAS * ROOM * PAGE_SIZE, 0 };
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	vma_for_each(fd, count_in_room, &c);
	close(fd);
	return c.nr;
}

static uint8_t *open_up(uint8_t *room, uint64_t first, uint64_t end)
{
	if (mmap(room + first * PAGE_SIZE, (end - first) * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		_exit(98);
	memory_fill(room, first, end, 5);
	return room;
}

/* Half of the mappings that a process may have, and more. */
static int crowd(struct target_share *sh)
{
	uint64_t nr = max_map_count() / 2 + 1000;
	uint8_t *p = mmap(NULL, nr * PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	target_check(sh, p != MAP_FAILED);
	for (uint64_t i = 0; i < nr; i += 2)
		target_check(sh, !mprotect(p + i * PAGE_SIZE, PAGE_SIZE, PROT_READ));
	return 0;
}

/* up: by what follows; else by what comes before.  Between arenas there is a hole. */
static int grow(struct target_share *sh, bool up)
{
	uint8_t *room = mmap(NULL, ARENAS * ROOM * PAGE_SIZE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t used = up ? 0 : ROOM - 1 - BEGUN;

	target_check(sh, room != MAP_FAILED);
	for (uint64_t a = 0; a < ARENAS; a++)
		open_up(room, a * ROOM + used, a * ROOM + used + BEGUN);
	target_meet(sh, 2);
	for (uint64_t n = 0; n < ROOM - 1 - BEGUN; n++) {
		for (uint64_t a = 0; a < ARENAS; a++) {
			uint64_t page = a * ROOM + (up ? BEGUN + n : used - 1 - n);

			open_up(room, page, page + 1);
		}
		sleep_us(STEP_US);
	}
	sh->value[0] = mappings_of(room);
	for (uint64_t i = 0; i < ARENAS * ROOM; i++)
		target_check(sh,
			     i % ROOM == ROOM - 1 || memory_page_is(room + i * PAGE_SIZE, 5, i));
	target_meet(sh, 3);
	return 0;
}

static int grow_up(struct target_share *sh)
{
	return grow(sh, true);
}

static int grow_down(struct target_share *sh)
{
	return grow(sh, false);
}

static int grow_crowded(struct target_share *sh)
{
	return crowd(sh) ? 1 : grow(sh, true);
}

static void check(struct __test_metadata *_metadata, struct pager *pg,
		  int (*fn)(struct target_share *sh), uint64_t part)
{
	struct target t = target_fork(fn);

	ASSERT_TRUE(target_reached(&t, 1));
	ASSERT_EQ(0, upager_attach(pg->client, t.pid, TARGET_BUDGET, 0, NULL));
	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_TRUE(wait_until(20, pager_status(pg, t.pid).evictions));
	target_let(&t, 2);
	ASSERT_TRUE(target_reached(&t, 3));

	EXPECT_GE(ARENAS * ((ROOM - BEGUN) / part + 2), t.share->value[0]);
	/* It is in its budget all the same. */
	EXPECT_LT(ARENAS * (ROOM - BEGUN), pager_status(pg, t.pid).evictions);
	target_let(&t, 3);
	EXPECT_EQ(0, target_end(&t));
}

TEST_F(grow, by_what_follows)
{
	check(_metadata, &self->pager, grow_up, PART);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F(grow, by_what_comes_before)
{
	check(_metadata, &self->pager, grow_down, PART);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F(grow, in_a_crowd)
{
	check(_metadata, &self->pager, grow_crowded, CROWD_PART);
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
