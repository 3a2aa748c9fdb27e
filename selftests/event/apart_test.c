// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is not the pager's: it stays as it is beside memory that is paged. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define NR 256 /* pages */

PAGER_FIXTURE(apart)

static bool stays(const uint8_t *p, uint64_t nr_pages)
{
	memory_press();
	memory_press();
	return memory_resident(p, nr_pages) == nr_pages;
}

/* ---- shared memory and files ---- */

static uint8_t *map_file(int flags, int fd)
{
	uint8_t *p = mmap(NULL, NR * PAGE_SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED || ftruncate(fd, NR * PAGE_SIZE))
		_exit(99);
	return p;
}

static int share(struct target_share *sh)
{
	int memfd = memfd_create("apart", MFD_CLOEXEC);
	uint8_t *named = map_file(MAP_SHARED, memfd);
	uint8_t *written = map_file(MAP_PRIVATE, memfd);
	uint8_t *nameless = mmap(NULL, NR * PAGE_SIZE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int status;

	memory_fill(named, 0, NR, 1);
	memory_fill(written, 0, NR / 2, 2);
	memory_fill(nameless, 0, NR, 3);
	target_check(sh, stays(named, NR) && stays(nameless, NR) && stays(written, NR / 2));
	child = fork();
	if (!child) {
		if (!memory_is(named, 0, NR, 1) || !memory_is(written, 0, NR / 2, 2) ||
		    !memory_is(written, NR / 2, NR, 1) || !memory_is(nameless, 0, NR, 3))
			_exit(3);
		memory_fill(named, 0, NR, 4);
		memory_fill(nameless, 0, NR, 5);
		_exit(0);
	}
	target_check(sh, waitpid(child, &status, 0) == child && status == 0);
	memory_press();
	target_check(sh, memory_is(named, 0, NR, 4) && memory_is(nameless, 0, NR, 5));
	target_check(sh, memory_is(written, 0, NR / 2, 2) && memory_is(written, NR / 2, NR, 4));
	/* What was written of a private file is as the file again. */
	target_check(sh, !madvise(written, NR * PAGE_SIZE, MADV_DONTNEED));
	target_check(sh, memory_is(written, 0, NR, 4));
	return 0;
}

TEST_F_TIMEOUT(apart, shared_memory_and_files, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, share));
}

/* A mapping of a file over one that is out, and the other way round. */
static int replace(struct target_share *sh)
{
	int memfd = memfd_create("apart", MFD_CLOEXEC);
	uint8_t *file = map_file(MAP_SHARED, memfd), *p = memory_map(NR);

	memory_fill(file, 0, NR, 1);
	memory_fill(p, 0, NR, 2);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, mmap(p, NR / 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			      memfd, 0) == p);
	target_check(sh, memory_is(p, 0, NR / 2, 1) && memory_is(p, NR / 2, NR, 2));
	memory_fill(p, 0, NR, 3);
	target_check(sh, memory_push_far(p + NR / 2 * PAGE_SIZE, NR / 2));
	target_check(sh, memory_is(p, 0, NR, 3) && memory_is(file, 0, NR / 2, 3));
	target_check(sh, mmap(p, NR / 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	target_check(sh, memory_is_zero(p, 0, NR / 2));
	memory_fill(p, 0, NR / 2, 4);
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, memory_is(p, 0, NR / 2, 4) && memory_is(p, NR / 2, NR, 3));
	target_check(sh, memory_is(file, 0, NR / 2, 3));
	return 0;
}

TEST_F_TIMEOUT(apart, replaced_by_a_file_and_back, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, replace));
}

/* ---- the stack of the first thread stays; those of others are as any memory ---- */

static bool deep(volatile uint8_t *where, unsigned int depth)
{
	volatile uint8_t frame[4 * PAGE_SIZE];

	memory_fill((uint8_t *)(uintptr_t)frame, 0, 3, depth);
	if (depth)
		return deep(frame, depth - 1) &&
		       memory_is((uint8_t *)(uintptr_t)frame, 0, 3, depth);
	memory_press();
	memory_press();
	return where != frame && memory_is((uint8_t *)(uintptr_t)frame, 0, 3, depth);
}

static void *deep_thread(void *arg)
{
	*(bool *)arg = deep(NULL, 60);
	return NULL;
}

static int go_deep(struct target_share *sh)
{
	uint8_t here;
	bool right = false;
	pthread_t thread;

	target_check(sh, deep(&here, 60));
	target_check(sh, !pthread_create(&thread, NULL, deep_thread, &right));
	target_check(sh, !pthread_join(thread, NULL) && right);
	return 0;
}

TEST_F_TIMEOUT(apart, stacks, 60)
{
	EXPECT_EQ(0, target_run(&self->pager, go_deep));
}

/* ---- pages that the kernel merges ---- */

#define KSM "/sys/kernel/mm/ksm/"

static long ksm_get(const char *name)
{
	FILE *f = fopen(name, "re");
	long value = -1;

	if (f) {
		if (fscanf(f, "%ld", &value) != 1)
			value = -1;
		fclose(f);
	}
	return value;
}

static bool ksm_set(const char *name, long value)
{
	FILE *f = fopen(name, "we");
	bool ok = f && fprintf(f, "%ld\n", value) > 0;

	return (!f || !fclose(f)) && ok;
}

/* Every page as the one of number 0. */
static bool all_alike(const uint8_t *p, uint64_t seed)
{
	for (uint64_t i = 0; i < NR; i++)
		if (!memory_page_is(p + i * PAGE_SIZE, seed, 0))
			return false;
	return true;
}

static int merge(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	for (uint64_t i = 0; i < NR; i++)
		memory_fill_page(p + i * PAGE_SIZE, 1, 0);
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_MERGEABLE));
	atomic_store(&sh->value[0],
		     wait_until(10, ksm_get("/proc/self/ksm_merging_pages") > NR / 2));
	target_check(sh, memory_push_far(p, NR));
	target_check(sh, all_alike(p, 1));
	for (uint64_t i = 0; i < NR; i += 2)
		memory_fill_page(p + i * PAGE_SIZE, 2, i);
	sleep_us(100000);
	target_check(sh, memory_push_far(p, NR));
	for (uint64_t i = 0; i < NR; i++)
		target_check(sh, memory_page_is(p + i * PAGE_SIZE, i % 2 ? 1 : 2, i % 2 ? 0 : i));
	target_check(sh, !madvise(p, NR * PAGE_SIZE, MADV_UNMERGEABLE));
	target_check(sh, memory_page_is(p, 2, 0));
	return 0;
}

TEST_F_TIMEOUT(apart, merged_pages_leave, 60)
{
	long run = ksm_get(KSM "run"), pages = ksm_get(KSM "pages_to_scan");
	long pause_ms = ksm_get(KSM "sleep_millisecs");
	struct target t;
	bool merged;
	int result;

	if (run < 0)
		SKIP(return, "this kernel merges no pages");
	if (!ksm_set(KSM "pages_to_scan", 5000) || !ksm_set(KSM "sleep_millisecs", 5) ||
	    !ksm_set(KSM "run", 1))
		SKIP(return, KSM " cannot be set");
	t = target_start(&self->pager, merge, TARGET_BUDGET);
	wait_until(40, target_is_over(&t));
	merged = atomic_load(&t.share->value[0]);
	result = target_end(&t);
	ksm_set(KSM "sleep_millisecs", pause_ms);
	ksm_set(KSM "pages_to_scan", pages);
	ksm_set(KSM "run", run);
	EXPECT_EQ(0, result);
	if (!merged)
		SKIP(return, "nothing was merged in 10 s");
}

/* ---- a program that pages some of its memory itself ---- */

static int own_uffd;
static uint8_t *own;

static void *serve_own(void *unused)
{
	uint8_t *data = memory_map(1);
	struct uffd_msg msg;

	while (read(own_uffd, &msg, sizeof(msg)) == (ssize_t)sizeof(msg)) {
		uint64_t addr = msg.arg.pagefault.address & PAGE_MASK;
		struct uffdio_copy copy = { .dst = addr, .src = (uintptr_t)data, .len = PAGE_SIZE };

		memory_fill_page(data, 7, (addr - (uintptr_t)own) / PAGE_SIZE);
		ioctl(own_uffd, UFFDIO_COPY, &copy);
	}
	return unused;
}

static int page_itself(struct target_share *sh)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	uint8_t *p = memory_map(8 * NR);
	pthread_t thread;

	own = memory_map(NR);
	own_uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	target_check(sh, own_uffd >= 0 && !ioctl(own_uffd, UFFDIO_API, &api));
	reg.range.start = (uintptr_t)own;
	reg.range.len = NR * PAGE_SIZE;
	target_check(sh, !ioctl(own_uffd, UFFDIO_REGISTER, &reg));
	target_check(sh, !pthread_create(&thread, NULL, serve_own, NULL));
	target_check(sh, memory_is(own, 0, NR / 2, 7));
	target_meet(sh, 2);
	memory_fill(p, 0, 8 * NR, 1);
	memory_press();
	target_check(sh, memory_is(own, 0, NR, 7));
	target_check(sh, !madvise(own, NR * PAGE_SIZE, MADV_DONTNEED));
	target_check(sh, memory_is(own, 0, NR, 7));
	/* What is paged already the program cannot have for itself. */
	reg.range.start = (uintptr_t)p;
	if (atomic_load(&sh->value[0]))
		target_check(sh, ioctl(own_uffd, UFFDIO_REGISTER, &reg) == -1 && errno == EBUSY);
	target_check(sh, memory_is(p, 0, 8 * NR, 1));
	return 0;
}

TEST_F_TIMEOUT(apart, program_that_pages_itself, 60)
{
	struct target t = target_fork(page_itself);
	struct upager_reply reply;

	target_let(&t, 1);
	ASSERT_TRUE(target_reached(&t, 2));
	EXPECT_EQ(-EBUSY, upager_attach(self->pager.client, t.pid, TARGET_BUDGET, 0, &reply));
	EXPECT_NE(NULL, strstr(reply.text, "uses userfaultfd"));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

/* It begins to do so below its budget, where nothing is registered yet. */
TEST_F_TIMEOUT(apart, memory_that_the_program_pages_itself, 60)
{
	struct target t = target_start(&self->pager, page_itself, TARGET_BUDGET);

	atomic_store(&t.share->value[0], 1);
	ASSERT_TRUE(target_reached(&t, 2));
	target_let(&t, 2);
	EXPECT_EQ(0, target_end(&t));
}

TEST_HARNESS_MAIN
