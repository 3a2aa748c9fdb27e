// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * Standby pools have memory as far as they need it.
 */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <dirent.h>
#include <kselftest_harness.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define KIB	 1024ULL
#define LEAST	 (128 * KIB) /* what each has */
#define BUDGET	 (64 * MIB)
#define ENOUGH	 (4 * MIB) /* of that */
#define NR	 24576ULL /* pages: one and a half budgets */
#define POOL_FD	 "/memfd:upager-standby"
#define NR_SMALL 2048ULL /* pages: two of the usual budgets */

FIXTURE(pool)
{
	struct pager pager;
	struct target t;
};

FIXTURE_VARIANT(pool)
{
	const char *disable;
};

FIXTURE_VARIANT_ADD(pool, move){ .disable = NULL };
FIXTURE_VARIANT_ADD(pool, stopped){ .disable = "move" };

FIXTURE_SETUP(pool)
{
}

FIXTURE_TEARDOWN(pool)
{
	if (_metadata->exit_code != KSFT_PASS)
		pager_show_log(&self->pager);
	pager_fini(&self->pager);
}

static int start(struct pager *pg, const char *disable, const char *failpoints)
{
	struct pager_options opt = {
		.disable = disable,
		.failpoints = failpoints,
		.area_bytes = 256 * MIB,
	};

	return pager_start(pg, &opt);
}

static uint64_t daemon_bytes(const struct pager *pg, const char *what)
{
	char path[64], line[256];
	unsigned long long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pg->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, what, strlen(what)))
			kib = strtoull(line + strlen(what), NULL, 10);
	if (f)
		fclose(f);
	return kib * KIB;
}

/* What the files of all pools have; the last one's path in *path. */
static uint64_t file_bytes(const struct pager *pg, char path[300])
{
	char dir[64], at[300], name[64];
	uint64_t bytes = 0;
	struct dirent *de;
	struct stat st;
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", pg->pid);
	d = opendir(dir);
	while (d && (de = readdir(d))) {
		ssize_t n;

		snprintf(at, sizeof(at), "%s/%.200s", dir, de->d_name);
		n = readlink(at, name, sizeof(name) - 1);
		name[n > 0 ? n : 0] = '\0';
		if (strncmp(name, POOL_FD, strlen(POOL_FD)) || stat(at, &st))
			continue;
		bytes += (uint64_t)st.st_blocks * 512;
		if (path)
			strcpy(path, at);
	}
	if (d)
		closedir(d);
	return bytes;
}

static uint64_t pool_bytes(struct pager *pg, const struct target *t)
{
	return pager_status(pg, t->pid).pool_bytes;
}

#define IDLE	   200
#define IDLE_PAGES 560ULL /* below the budget, near enough for everything to be prepared */
#define IDLE_COST  (256 * KIB)

static int be_idle(struct target_share *sh)
{
	uint8_t *p = memory_map(IDLE_PAGES);

	memory_fill(p, 0, IDLE_PAGES, 1);
	atomic_store(&sh->at, 2);
	while (atomic_load(&sh->go) < 2)
		sleep_us(50000);
	target_check(sh, memory_is(p, 0, IDLE_PAGES, 1));
	return 0;
}

static uint32_t nr_paged(struct pager *pg)
{
	struct upager_record *list = NULL;
	uint32_t n = 0, paged = 0;

	if (!upager_status(pg->client, 0, &list, &n))
		for (uint32_t i = 0; i < n; i++)
			paged += list[i].state == UPAGER_PROC_PAGED;
	free(list);
	return paged;
}

static uint64_t evictions(struct pager *pg)
{
	struct upager_record *list = NULL;
	uint64_t evictions = 0;
	uint32_t n = 0;

	if (!upager_status(pg->client, 0, &list, &n))
		for (uint32_t i = 0; i < n; i++)
			evictions += list[i].evictions;
	free(list);
	return evictions;
}

/* Regression: each had 2 MiB locked from the start, and 16 with a large budget. */
TEST_F_TIMEOUT(pool, idle_costs_little, 120)
{
	uint64_t locked, resident, pools;
	struct target t[IDLE];

	ASSERT_EQ(0, start(&self->pager, variant->disable, NULL));
	locked = daemon_bytes(&self->pager, "VmLck:");
	resident = daemon_bytes(&self->pager, "VmRSS:");
	for (int i = 0; i < IDLE; i++)
		t[i] = target_start(&self->pager, be_idle, TARGET_BUDGET);
	for (int i = 0; i < IDLE; i++)
		ASSERT_TRUE(target_reached(&t[i], 2));
	ASSERT_TRUE(wait_until(60, nr_paged(&self->pager) == IDLE));
	locked = daemon_bytes(&self->pager, "VmLck:") - locked;
	resident = daemon_bytes(&self->pager, "VmRSS:") - resident;
	pools = file_bytes(&self->pager, NULL);
	TH_LOG("of each: %llu KiB locked, %llu resident, %llu of its pool",
	       (unsigned long long)(locked / IDLE / KIB),
	       (unsigned long long)(resident / IDLE / KIB),
	       (unsigned long long)(pools / IDLE / KIB));
	EXPECT_GT(IDLE_COST, locked / IDLE);
	EXPECT_GT(IDLE_COST, resident / IDLE);
	EXPECT_EQ(IDLE * LEAST, pools);
	EXPECT_EQ(0, evictions(&self->pager));
	for (int i = 0; i < IDLE; i++)
		target_let(&t[i], 2);
	for (int i = 0; i < IDLE; i++)
		EXPECT_EQ(0, target_end(&t[i]));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Steps 2, 4, 6 ...: busy until it is let go on; 3, 5, 7 ...: idle. */
static int be_busy_at_times(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);
	uint64_t seed = 1;

	memory_fill(p, 0, NR, seed);
	for (uint32_t step = 2; atomic_load(&sh->go) < 100; step += 2) {
		atomic_store(&sh->at, step);
		for (; atomic_load(&sh->go) < step; seed++) {
			target_check(sh, memory_is(p, 0, NR, seed));
			memory_fill(p, 0, NR, seed + 1);
		}
		target_meet(sh, step + 1);
	}
	target_check(sh, memory_is(p, 0, NR, seed));
	return 0;
}

/* As large as its budget allows while it evicts, as small as at first when it does not. */
TEST_F_TIMEOUT(pool, grows_and_gives_back, 120)
{
	struct target *t = &self->t;

	ASSERT_EQ(0, start(&self->pager, variant->disable, "pool_idle=err:1"));
	*t = target_start(&self->pager, be_busy_at_times, BUDGET);
	for (uint32_t step = 2; step < 6; step += 2) {
		ASSERT_TRUE(target_reached(t, step));
		EXPECT_TRUE(wait_until(30, pool_bytes(&self->pager, t) == ENOUGH));
		EXPECT_EQ(ENOUGH, file_bytes(&self->pager, NULL));
		target_let(t, step);
		ASSERT_TRUE(target_reached(t, step + 1));
		EXPECT_TRUE(wait_until(30, pool_bytes(&self->pager, t) == LEAST));
		EXPECT_TRUE(wait_until(30, file_bytes(&self->pager, NULL) == LEAST));
		EXPECT_GE(LEAST, pager_status(&self->pager, t->pid).standby_bytes);
		target_let(t, step == 4 ? 100 : step + 1);
	}
	EXPECT_EQ(0, target_end(t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

static int push_and_look(struct target_share *sh)
{
	uint8_t *p = memory_map(NR_SMALL);

	for (uint64_t i = 1; i < 6 || atomic_load(&sh->go) < 2; i++) {
		memory_fill(p, 0, NR_SMALL, i);
		target_check(sh, memory_is(p, 0, NR_SMALL, i));
		atomic_store(&sh->value[0], i);
	}
	return 0;
}

/* It goes on with what it has, and says so. */
TEST_F_TIMEOUT(pool, without_memory, 60)
{
	struct target *t = &self->t;
	const char *why = "no memory for more standby";

	ASSERT_EQ(0, start(&self->pager, variant->disable, "pool_grow=err:12"));
	*t = target_start(&self->pager, push_and_look, TARGET_BUDGET);
	/* It may be at the fifth before it is paged. */
	EXPECT_TRUE(wait_until(30, strstr(pager_status(&self->pager, t->pid).text, why)));
	EXPECT_EQ(LEAST, pool_bytes(&self->pager, t));
	EXPECT_TRUE(wait_until(30, atomic_load(&t->share->value[0]) >= 5));
	target_let(t, 2);
	EXPECT_EQ(0, target_end(t));
	EXPECT_EQ(1, pager_logged_times(&self->pager, why));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_F_TIMEOUT(pool, without_memory_at_first, 60)
{
	struct target *t = &self->t;

	ASSERT_EQ(0, start(&self->pager, variant->disable, "pool_grow=err:12@1"));
	*t = target_start(&self->pager, push_and_look, TARGET_BUDGET);
	EXPECT_TRUE(wait_until(30, pool_bytes(&self->pager, t) > LEAST));
	EXPECT_STREQ("", pager_status(&self->pager, t->pid).text);
	target_let(t, 2);
	EXPECT_EQ(0, target_end(t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* A thread that is in the middle of a write to a pool's file, as an agent can be made to be. */
struct holder {
	int fd;
	int uffd;
	uint8_t *page;
	pthread_t thread;
};

static void *write_missing(void *arg)
{
	const struct holder *h = arg;

	/* The last place, which is not in use. */
	return (void *)(intptr_t)pwrite(h->fd, h->page, PAGE_SIZE, (off_t)(16 * MIB - PAGE_SIZE));
}

static bool in_write(const struct holder *h)
{
	struct uffd_msg msg;

	return read(h->uffd, &msg, sizeof(msg)) == sizeof(msg);
}

static bool hold_file(struct holder *h, const char *path)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	h->page = memory_map(1);
	h->fd = open(path, O_RDWR | O_CLOEXEC);
	h->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	reg.range.start = (uintptr_t)h->page;
	reg.range.len = PAGE_SIZE;
	if (h->fd < 0 || ioctl(h->uffd, UFFDIO_API, &api) || ioctl(h->uffd, UFFDIO_REGISTER, &reg))
		return false;
	return !pthread_create(&h->thread, NULL, write_missing, h) && wait_until(10, in_write(h));
}

static bool let_file_go(struct holder *h)
{
	struct uffdio_zeropage zero = { .range = { (uintptr_t)h->page, PAGE_SIZE } };
	void *n = NULL;
	bool ok = !ioctl(h->uffd, UFFDIO_ZEROPAGE, &zero);

	ok &= !pthread_join(h->thread, &n) && (intptr_t)n == (intptr_t)PAGE_SIZE;
	close(h->uffd);
	close(h->fd);
	return ok;
}

static int fill_in_two(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR / 3, 1);
	target_meet(sh, 2); /* below its budget, and everything is prepared */
	memory_fill(p, NR / 3, NR, 1);
	target_check(sh, memory_is(p, 0, NR, 1));
	return 0;
}

/* Who grows it does not wait for what the program makes of its file. */
TEST_F_TIMEOUT(pool, grows_while_it_is_written, 60)
{
	struct target *t = &self->t;
	struct holder h;
	char path[300];

	ASSERT_EQ(0, start(&self->pager, variant->disable, NULL));
	*t = target_start(&self->pager, fill_in_two, BUDGET);
	ASSERT_TRUE(target_reached(t, 2));
	ASSERT_TRUE(wait_until(30, file_bytes(&self->pager, path) == LEAST));
	ASSERT_TRUE(hold_file(&h, path));
	target_let(t, 2);
	EXPECT_TRUE(wait_until(20, pool_bytes(&self->pager, t) > LEAST));
	EXPECT_EQ(0, upager_ping(self->pager.client, NULL));
	EXPECT_TRUE(let_file_go(&h));
	EXPECT_EQ(0, target_end(t));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

/* Where the daemon dies while it gives a pool another size. */
static const char *const dies_at[] = {
	"pool_grow=kill@1",
	"pool_grow=kill@3",
	"pool_grown=kill@1",
	"pool_grown=kill@4",
	"pool_idle=err:1,pool_shed=kill@1",
	"pool_idle=err:1,pool_shed=kill@3",
};

TEST_F_TIMEOUT(pool, is_taken_over, 200)
{
	struct pager_options opt = { .disable = variant->disable, .failpoints = "pool_idle=err:1" };
	struct pager *pg = &self->pager;
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(dies_at); i += guard_times(1, 2)) {
		bool idle = strstr(dies_at[i], "idle");
		struct target t;

		ASSERT_EQ(0, start(pg, variant->disable, dies_at[i]));
		t = target_start(pg, be_busy_at_times, BUDGET);
		if (idle) {
			/* It may have been idle for long enough on its way there. */
			ASSERT_TRUE(wait_until(30, atomic_load(&t.share->at) >= 2 ||
							   pager_ended(pg, &status)));
			target_let(&t, 2);
		}
		ASSERT_TRUE(wait_until(30, pager_ended(pg, &status))) TH_LOG("%s", dies_at[i]);
		EXPECT_EQ(0, pager_restart(pg, &opt));
		EXPECT_TRUE(target_reached(&t, idle ? 3 : 2)) TH_LOG("%s", dies_at[i]);
		if (!idle)
			EXPECT_TRUE(wait_until(30, pool_bytes(pg, &t) == ENOUGH))
		TH_LOG("%s", dies_at[i]);
		if (!idle) {
			target_let(&t, 2);
			EXPECT_TRUE(target_reached(&t, 3));
		}
		EXPECT_TRUE(wait_until(30, pool_bytes(pg, &t) == LEAST)) TH_LOG("%s", dies_at[i]);
		EXPECT_TRUE(wait_until(30, file_bytes(pg, NULL) == LEAST))
		TH_LOG("%s: %llu KiB", dies_at[i],
		       (unsigned long long)(file_bytes(pg, NULL) / KIB));
		target_let(&t, 100);
		EXPECT_EQ(0, target_end(&t)) TH_LOG("%s: %s", dies_at[i], t.share->why);
		EXPECT_EQ(0, pager_stop(pg));
		pager_fini(pg);
	}
}

TEST_HARNESS_MAIN
