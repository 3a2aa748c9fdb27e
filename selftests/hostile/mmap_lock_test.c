// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 200
 *
 * A user's program whose mmap lock is held for a page of a file that its server never gives out,
 * while another thread waits to take it for itself: every call of the pager's on its memory waits.
 */
#include "selftests/fuse.h"
#include "selftests/hostile/user.h"

#include <pthread.h>

#include <kselftest_harness.h>

#define NR	     3072
#define STOP_SECONDS 4

static struct fuse fuse;

static void *touch(void *memory)
{
	uint8_t *p = memory;
	unsigned int at = 1;

	for (;;) {
		at = at * 1103515245 + 12345;
		p[(uint64_t)(at >> 4) % NR * PAGE_SIZE]++;
	}
	return NULL;
}

/* Wants the lock for itself again and again. */
static void *map(void *unused)
{
	for (;;) {
		uint8_t *p = memory_map(64);

		p[0] = 1;
		munmap(p, 64 * PAGE_SIZE);
		sleep_us(1000);
	}
	return unused;
}

/* As ptrace does, which cannot let go of the lock while it waits for a page. */
static void hold_lock(const void *page)
{
	char path[32], byte;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", getppid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	_exit(pread(fd, &byte, 1, (off_t)(uintptr_t)page) != 1);
}

static int stuck(struct target_share *sh)
{
	uint8_t *p = memory_map(NR), *page;
	pthread_t thread;

	target_check(sh, user_become());
	memory_fill(p, 0, NR, 1);
	target_check(sh, !pthread_create(&thread, NULL, touch, p));
	target_check(sh, !pthread_create(&thread, NULL, map, NULL));
	target_meet(sh, 2);
	page = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, fuse.file, 0);
	target_check(sh, page != MAP_FAILED);
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		hold_lock(page);
	}
	pause(); /* or it is held, too, where it touches a page */
	return 0;
}

FIXTURE(mmap_lock)
{
	struct pager pager;
	bool has_fuse;
};

FIXTURE_VARIANT(mmap_lock)
{
	const char *per_user;
};

FIXTURE_VARIANT_ADD(mmap_lock, per_user){ .per_user = "yes" };
FIXTURE_VARIANT_ADD(mmap_lock, shared){ .per_user = "no" };

FIXTURE_SETUP(mmap_lock)
{
	struct pager_options opt = { .args = { "--per-user", variant->per_user, "--stop-timeout",
					       "4" } };

	self->has_fuse = fuse_start(&fuse, NOBODY);
	ASSERT_EQ(0, pager_start(&self->pager, &opt));
	user_admit(&self->pager);
}

FIXTURE_TEARDOWN(mmap_lock)
{
	if (self->has_fuse)
		fuse_stop(&fuse);
	if (_metadata->exit_code != KSFT_PASS)
		pager_show_log(&self->pager);
	pager_fini(&self->pager);
}

static struct target stuck_start(struct pager *pg)
{
	struct target t = target_fork(stuck);

	/* Asked for by root, but it is to be the user's by then. */
	target_let(&t, 1);
	if (target_reached(&t, 2))
		upager_attach(pg->client, t.pid, TARGET_BUDGET, 0, NULL);
	wait_until(20, pager_status(pg, t.pid).evictions > NR / 2);
	target_let(&t, 2);
	return t;
}

TEST_F_TIMEOUT(mmap_lock, is_held, 120)
{
	struct pager *pg = &self->pager;
	bool apart = !strcmp(variant->per_user, "yes");
	struct target victim, t, later;
	int status = 0;

	if (!self->has_fuse)
		SKIP(return, "no FUSE in this kernel");
	victim = victim_start(pg);
	t = stuck_start(pg);
	EXPECT_TRUE(wait_until(20, *fuse.nr_reads));
	sleep_us(500000);
	if (apart) {
		EXPECT_TRUE(victim_goes_on(&victim));
		EXPECT_TRUE(root_is_answered(pg));
		later = victim_start(pg);
		EXPECT_TRUE(victim_goes_on(&later));
		EXPECT_EQ(0, victim_end(&later));
		EXPECT_TRUE(wait_until(10, pager_status(pg, victim.pid).pid == victim.pid));
		/* Root's gets everything back, whatever becomes of the user's. */
		EXPECT_EQ(0, kill(pg->pid, SIGTERM));
		EXPECT_TRUE(wait_until(4 * STOP_SECONDS, pager_ended(pg, &status)));
		EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == UPAGER_EXIT_FAILED);
		EXPECT_TRUE(pager_logged(pg, "stopped, and left") ||
			    pager_logged(pg, "does not end"));
		EXPECT_TRUE(victim_goes_on(&victim));
		EXPECT_EQ(0, victim_end(&victim));
	} else {
		/* Its threads may be held: it says who is left, and is gone when the lock is. */
		EXPECT_EQ(0, kill(pg->pid, SIGTERM));
		EXPECT_TRUE(wait_until(8 * STOP_SECONDS, pager_logged(pg, "stopped, and left")));
		kill(t.pid, SIGKILL);
		fuse_stop(&fuse);
		self->has_fuse = false;
		EXPECT_TRUE(wait_until(20, pager_ended(pg, &(int){ 0 })));
		EXPECT_EQ(0, pager_restart(pg, &(struct pager_options){ 0 }));
		EXPECT_TRUE(victim_goes_on(&victim));
		EXPECT_EQ(0, victim_end(&victim));
	}
	/* Nobody who waits for the lock ends before. */
	if (self->has_fuse)
		fuse_stop(&fuse);
	self->has_fuse = false;
	target_kill(&t);
}

TEST_HARNESS_MAIN
