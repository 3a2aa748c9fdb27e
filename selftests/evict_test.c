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

static uint64_t rssanon_bytes(pid_t pid)
{
	char path[64], line[128];
	unsigned long long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "RssAnon: %llu", &kib);
	if (f)
		fclose(f);
	return kib * 1024;
}

/* ---- F1, F2, F3, F10: the program and the pager work on the same pages ---- */

struct worker {
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

	/* Made of several mappings by now: the kernel may refuse. */
	if (to != MAP_FAILED)
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
			replace_pages(w, first, end);
			break;
		case 3:
			if ((r >> 50) % 32 == 0)
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

/* ---- the agent's accidents ---- */

static pid_t agent_of(pid_t pid)
{
	char path[64], comm[64] = "", line[128];
	pid_t agent = 0;

	/* An orphan, made right after its target. */
	for (pid_t n = pid + 1; n < pid + 200 && !agent; n++) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", n);
		f = fopen(path, "re");
		if (f && fgets(line, sizeof(line), f) && sscanf(line, "%63s", comm) == 1 &&
		    !strcmp(comm, "upager-agent"))
			agent = n;
		if (f)
			fclose(f);
	}
	return agent;
}

static int go_round(struct target_share *sh)
{
	uint8_t *p = memory_map(2 * NR);

	memory_fill(p, 0, 2 * NR, 1);
	for (uint64_t i = 1; !atomic_load(&sh->value[0]); i++) {
		target_check(sh, memory_is(p, 0, 2 * NR, i));
		memory_fill(p, 0, 2 * NR, i + 1);
		atomic_store(&sh->value[1], i);
	}
	return 0;
}

static bool rounds(struct target *t, uint64_t more)
{
	uint64_t have = atomic_load(&t->share->value[1]);

	return wait_until(40, atomic_load(&t->share->value[1]) >= have + more);
}

/* Several times: it may be between any two of its steps. */
TEST_F_TIMEOUT(evict, agent_is_killed, 120)
{
	for (long i = 0; i < 10; i++) {
		struct target t = target_start(&self->pager, go_round, TARGET_BUDGET);
		pid_t agent;

		ASSERT_TRUE(rounds(&t, 1));
		agent = agent_of(t.pid);
		ASSERT_NE(0, agent);
		sleep_us(i * 500);
		EXPECT_EQ(0, kill(agent, SIGKILL));
		EXPECT_TRUE(rounds(&t, 2));
		atomic_store(&t.share->value[0], 1);
		EXPECT_EQ(0, target_end(&t));
	}
}

/* F17 */
TEST_F_TIMEOUT(evict, agent_is_stopped, 90)
{
	struct target t = target_start(&self->pager, go_round, TARGET_BUDGET);
	pid_t agent;

	ASSERT_TRUE(rounds(&t, 2));
	agent = agent_of(t.pid);
	ASSERT_NE(0, agent);
	for (int i = 0; i < 3; i++) {
		uint64_t before;

		EXPECT_EQ(0, kill(agent, SIGSTOP));
		sleep_us(300000);
		EXPECT_EQ(0, kill(agent, SIGCONT));
		before = pager_status(&self->pager, t.pid).evictions;
		EXPECT_TRUE(wait_until(20, pager_status(&self->pager, t.pid).evictions >
						   before + 2 * NR));
	}
	atomic_store(&t.share->value[0], 1);
	EXPECT_EQ(0, target_end(&t));
}

/* ---- the budget ---- */

/* The longest time above budget and a tenth, while it runs for so long or until it ends. */
static uint64_t longest_over_ns(const struct target *t, uint64_t duration_ns, bool *used)
{
	uint64_t begin_ns = now_ns(), within_ns = begin_ns, longest_ns = 0;

	*used = false;
	while (now_ns() - begin_ns < duration_ns && !target_is_over(t)) {
		uint64_t bytes = rssanon_bytes(t->pid), now = now_ns();

		*used |= bytes > TARGET_BUDGET / 2;
		if (bytes <= TARGET_BUDGET + TARGET_BUDGET / 10)
			within_ns = now;
		if (now - within_ns > longest_ns)
			longest_ns = now - within_ns;
		sleep_us(5000);
	}
	return longest_ns;
}

TEST_F_TIMEOUT(evict, budget_is_kept, 60)
{
	struct target t = target_start(&self->pager, go_round, TARGET_BUDGET);
	bool used;

	ASSERT_TRUE(rounds(&t, 1));
	EXPECT_LT(longest_over_ns(&t, 3 * 1000000000ULL, &used), 1000000000ULL);
	EXPECT_TRUE(used);
	atomic_store(&t.share->value[0], 1);
	EXPECT_EQ(0, target_end(&t));
}

static int allocate(struct target_share *sh)
{
	uint8_t *p = memory_map(24 * NR);

	for (uint64_t i = 0; i < 24; i++)
		memory_fill(p, i * NR, (i + 1) * NR, 1);
	target_check(sh, memory_is(p, 0, 2 * NR, 1));
	return 0;
}

/* No memory is given out that nothing makes room for. */
TEST_F_TIMEOUT(evict, allocation_waits, 60)
{
	uint64_t most = 0;
	struct target t;
	pid_t agent;

	if (variant->disable)
		SKIP(return, "without UFFDIO_MOVE the program is stopped until pages have left");
	t = target_start(&self->pager, allocate, TARGET_BUDGET);
	ASSERT_TRUE(wait_until(20, pager_status(&self->pager, t.pid).evictions > NR / 4));
	agent = agent_of(t.pid);
	ASSERT_NE(0, agent);
	EXPECT_EQ(0, kill(agent, SIGSTOP));
	for (int i = 0; i < 40; i++) {
		uint64_t bytes = rssanon_bytes(t.pid);

		most = bytes > most ? bytes : most;
		sleep_us(10000);
	}
	EXPECT_EQ(0, kill(agent, SIGCONT));
	EXPECT_LT(most, TARGET_BUDGET + TARGET_BUDGET / 4);
	EXPECT_EQ(0, target_end(&t));
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

TEST_HARNESS_MAIN
