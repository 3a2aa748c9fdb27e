// SPDX-License-Identifier: GPL-2.0-only
/* Pages leave and come back right, whatever the program does at the same time. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <pthread.h>

#define NR	1024 /* pages */
#define THREADS 3
#define RUN_NS	(4 * 1000000000ULL)

PAGER_FIXTURE(evict)

/* ---- F1, F2, F3, F10: the program and the pager work on the same pages ---- */

struct worker {
	bool replaced; /* no longer one mapping */
	uint64_t random;
	uint64_t generation;
	uint8_t *p;
	uint64_t want[NR]; /* generation of each page's contents; 0: zero */
	const char *wrong;
};

static uint64_t next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static bool page_right(struct worker *w, uint64_t i)
{
	const uint8_t *page = w->p + i * PAGE_SIZE;

	return w->want[i] ? memory_page_is(page, w->want[i], i) : memory_page_is_zero(page);
}

static void write_pages(struct worker *w, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i++) {
		w->want[i] = ++w->generation;
		memory_fill_page(w->p + i * PAGE_SIZE, w->want[i], i);
	}
}

static void verify_pages(struct worker *w, uint64_t first, uint64_t end, const char *after)
{
	for (uint64_t i = first; i < end; i++)
		if (!page_right(w, i))
			w->wrong = after;
}

static void drop_pages(struct worker *w, uint64_t first, uint64_t end)
{
	if (madvise(w->p + first * PAGE_SIZE, (end - first) * PAGE_SIZE, MADV_DONTNEED))
		w->wrong = "madvise";
	memset(&w->want[first], 0, (end - first) * sizeof(w->want[0]));
	verify_pages(w, first, end, "a page after DONTNEED");
}

static void replace_pages(struct worker *w, uint64_t first, uint64_t end)
{
	uint8_t *at = w->p + first * PAGE_SIZE;

	w->replaced = true;
	if (munmap(at, (end - first) * PAGE_SIZE) ||
	    mmap(at, (end - first) * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
		w->wrong = "mmap";
	memset(&w->want[first], 0, (end - first) * sizeof(w->want[0]));
	write_pages(w, first, first + (end - first) / 2);
	verify_pages(w, first, end, "a page of a replaced mapping");
}

static void move_pages(struct worker *w)
{
	uint8_t *to = mremap(w->p, NR * PAGE_SIZE, NR * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			     w->p + (NR + 64) * PAGE_SIZE);

	if (to == MAP_FAILED)
		w->wrong = "mremap";
	else
		w->p = to;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t end_ns = now_ns() + RUN_NS;

	while (!w->wrong && now_ns() < end_ns) {
		uint64_t r = next_random(w), first = r % NR, n = 1 + (r >> 20) % 24;
		uint64_t end = first + n < NR ? first + n : NR;

		switch ((r >> 40) % 16) {
		case 0:
		case 1:
			drop_pages(w, first, end);
			break;
		case 2:
			/* The first half of the run is for moves. */
			if (now_ns() > end_ns - RUN_NS / 2)
				replace_pages(w, first, end);
			break;
		case 3:
			/* Of several mappings 6.17 and later may move the first and then refuse. */
			if ((r >> 50) % 32 == 0 && !w->replaced)
				move_pages(w);
			break;
		case 4:
		case 5:
		case 6:
		case 7:
			write_pages(w, first, end);
			break;
		default:
			verify_pages(w, first, end, "a page");
		}
	}
	verify_pages(w, 0, NR, "a page at the end");
	return NULL;
}

static int contend(struct target_share *sh)
{
	static struct worker workers[THREADS];
	pthread_t thread[THREADS];

	for (uint64_t i = 0; i < THREADS; i++) {
		workers[i].random = 88172645463325252ULL + i * 7919;
		/* Room to move up by many times. */
		workers[i].p = mmap(NULL, 512 * MIB, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		target_check(sh,
			     mmap(workers[i].p, NR * PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == workers[i].p);
		target_check(sh, !pthread_create(&thread[i], NULL, work, &workers[i]));
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		if (workers[i].wrong)
			return target_fail(sh, "wrong: %s", workers[i].wrong);
	}
	return 0;
}

TEST_F_TIMEOUT(evict, races_with_the_program, 90)
{
	struct target t = target_start(&self->pager, contend, TARGET_BUDGET);

	EXPECT_TRUE(wait_until(20, pager_status(&self->pager, t.pid).evictions > 1000));
	EXPECT_EQ(0, target_end_within(&t, 80));
}

/* Pages that were only read again are not written again. */
static int read_twice(struct target_share *sh)
{
	uint8_t *p = memory_map(4 * NR);

	memory_fill(p, 0, 4 * NR, 1);
	for (int i = 0; i < 4; i++)
		target_check(sh, memory_is(p, 0, 4 * NR, 1));
	target_meet(sh, 2);
	return 0;
}

TEST_F_TIMEOUT(evict, clean_pages_are_dropped, 60)
{
	struct target t = target_start(&self->pager, read_twice, TARGET_BUDGET);
	struct upager_record rec;

	ASSERT_TRUE(target_reached(&t, 2));
	rec = pager_status(&self->pager, t.pid);
	EXPECT_GT(rec.evictions, 8ULL * NR);
	/* The first time over is written; of the rest nearly all is dropped. */
	EXPECT_GT(rec.clean_drops, (rec.evictions - 4ULL * NR) / 2);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

#define PAGEMAP_WRITE_PROTECTED (1ULL << 57)

#define FEW 32 /* pages: that they are not known to be there is not looked into */

static bool is_protected(int pagemap_fd, const uint8_t *p)
{
	uint64_t entry;

	return pread(pagemap_fd, &entry, sizeof(entry),
		     (off_t)((uintptr_t)p / PAGE_SIZE * sizeof(entry))) == sizeof(entry) &&
	       entry & PAGEMAP_WRITE_PROTECTED;
}

/* The first of so many in a row, or NULL. */
static uint8_t *find_protected(uint8_t *p, uint64_t nr_pages, uint64_t nr_wanted)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t nr = 0;

	for (uint64_t i = 0; i < nr_pages && nr < nr_wanted; i++) {
		nr = is_protected(fd, p + i * PAGE_SIZE) ? nr + 1 : 0;
		if (nr == nr_wanted)
			p += (i + 1 - nr) * PAGE_SIZE;
	}
	close(fd);
	return nr == nr_wanted ? p : NULL;
}

static int write_protected(struct target_share *sh)
{
	uint8_t *all = memory_map(2 * NR), *p;

	memory_fill(all, 0, 2 * NR, 1);
	target_check(sh, wait_until(60, (p = find_protected(all, 2 * NR, 2 * FEW))));
	memory_fill(p, 0, FEW, 2);
	target_check(sh, find_protected(p + FEW * PAGE_SIZE, FEW, FEW));
	target_check(sh, !madvise(p + FEW * PAGE_SIZE, FEW * PAGE_SIZE, MADV_FREE));
	memory_fill(p, FEW, 2 * FEW, 2);
	target_check(sh, memory_is(p, 0, 2 * FEW, 2));
	for (uint64_t i = 0, at = (uint64_t)(p - all) / PAGE_SIZE; i < 2 * NR; i++)
		target_check(sh, (i >= at && i < at + 2 * FEW) ||
					 memory_page_is(all + i * PAGE_SIZE, 1, i));
	return 0;
}

FIXTURE(protected)
{
	struct pager pager;
};

FIXTURE_SETUP(protected)
{
	struct pager_options opt = { .failpoints = "evict_protected=err:11", .disable = "move" };

	ASSERT_EQ(0, pager_start(&self->pager, &opt));
}

PAGER_TEARDOWN(protected)

/*
 * Regression: pages that stayed write-protected because an event was unread when that was to be
 * lifted, and were given to MADV_FREE then: who wrote there was woken for ever.
 */
TEST_F_TIMEOUT(protected, and_given_to_free, 100)
{
	struct target t = target_start(&self->pager, write_protected, TARGET_BUDGET);

	EXPECT_EQ(0, target_end_within(&t, 90));
}

#define BELOW 600ULL /* pages of a budget of 1,024 */

static int stay_below(struct target_share *sh)
{
	uint8_t *p = memory_map(BELOW);

	memory_fill(p, 0, BELOW, 1);
	target_meet(sh, 2);
	target_check(sh, memory_is(p, 0, BELOW, 1));
	return 0;
}

/* Regression: what came to be known counted twice until memory was looked at again, and some left. */
TEST_F_TIMEOUT(evict, nothing_below_the_budget, 40)
{
	struct target t = target_start(&self->pager, stay_below, TARGET_BUDGET);

	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_TRUE(wait_until(20, pager_status(&self->pager, t.pid).state == UPAGER_PROC_PAGED));
	sleep_us(200000);
	EXPECT_EQ(0, pager_status(&self->pager, t.pid).evictions);
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
