// SPDX-License-Identifier: GPL-2.0-only
/* However a program ends, and whatever was under way, the pager has everything back. */
#include "selftests/memory.h"
#include "selftests/target.h"

#include <kselftest_harness.h>
#include <dirent.h>
#include <pthread.h>

#define NR	2048 /* pages: twice the budget */
#define READERS 4
#define ROUNDS	5

PAGER_FIXTURE(end)

enum way {
	WAY_KILLED,
	WAY_EXIT_GROUP, /* by a thread */
	WAY_EXEC, /* by a thread: the others are killed */
	WAY_FORKED, /* children are left behind amid faults, and killed */
	NR_WAYS,
};

static uint8_t *common;

static void *reader(void *arg)
{
	for (uint64_t i = (uint64_t)(uintptr_t)arg;; i += 37)
		if (!memory_page_is(common + i % NR * PAGE_SIZE, 1, i % NR))
			_exit(3);
	return NULL;
}

static int end_amid_faults(struct target_share *sh)
{
	enum way way = (enum way)atomic_load(&sh->value[0]);
	pthread_t thread;

	common = memory_map(NR);
	memory_fill(common, 0, NR, 1);
	for (uintptr_t i = 0; i < READERS; i++)
		target_check(sh, !pthread_create(&thread, NULL, reader, (void *)(i * 100)));
	for (int i = 0; way == WAY_FORKED && i < 4; i++) {
		pid_t pid = fork();

		if (!pid)
			reader(NULL);
		atomic_store(&sh->value[1 + i], (uint64_t)pid);
	}
	atomic_store(&sh->at, 2);
	sleep_us((long)atomic_load(&sh->value[7]));
	if (way == WAY_EXIT_GROUP)
		_exit(0);
	if (way == WAY_EXEC)
		execl("/bin/true", "true", NULL);
	for (;;)
		pause();
	return 0;
}

static int go(struct pager *pg, enum way way, long after_us)
{
	struct target t = target_fork(end_amid_faults);
	int result;

	atomic_store(&t.share->value[0], way);
	atomic_store(&t.share->value[7], (uint64_t)after_us);
	if (target_attach(pg, &t, TARGET_BUDGET))
		return target_kill(&t);
	target_let(&t, 1);
	if (way == WAY_EXIT_GROUP || way == WAY_EXEC)
		return target_end(&t);
	if (!target_reached(&t, 2))
		return target_kill(&t);
	sleep_us(after_us);
	for (int i = 1; way == WAY_FORKED && i <= 4; i++)
		kill((pid_t)atomic_load(&t.share->value[i]), SIGKILL);
	result = target_kill(&t);
	return result == TARGET_SIGNAL + SIGKILL ? 0 : result;
}

struct holdings {
	uint64_t slots;
	uint64_t tables_bytes;
	int fds;
};

static int nr_fds(pid_t pid)
{
	char path[32];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static struct holdings holdings(struct pager *pg)
{
	struct holdings h = { 0 };
	struct upager_record rec;

	if (!upager_ping(pg->client, &rec)) {
		h.slots = rec.slots_total - rec.slots_free;
		h.tables_bytes = rec.table_bytes;
		h.fds = nr_fds(pg->pid);
	}
	return h;
}

static bool holds_nothing(struct pager *pg, int fds)
{
	struct holdings h = holdings(pg);

	return !h.slots && !h.tables_bytes && h.fds == fds;
}

TEST_F_TIMEOUT(end, gives_everything_back, 120)
{
	int fds = nr_fds(self->pager.pid);

	for (int way = 0; way < NR_WAYS; way++)
		for (long i = 0; i < ROUNDS; i++) {
			EXPECT_EQ(0, go(&self->pager, (enum way)way, 200 + i * i * 3000))
			TH_LOG("way %d, round %ld", way, i);
		}
	EXPECT_TRUE(wait_until(20, holds_nothing(&self->pager, fds)))
	{
		struct holdings h = holdings(&self->pager);

		TH_LOG("%llu slots, %llu bytes of tables, %d descriptors more",
		       (unsigned long long)h.slots, (unsigned long long)h.tables_bytes,
		       h.fds - fds);
	}
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
