// SPDX-License-Identifier: GPL-2.0-only
/*
 * TIMEOUT 300
 *
 * A control page full of lies: which batches are done, copied or dropped, which pages
 * moved and which did not.  They cost the program that tells them its own memory, and nobody
 * else anything.
 */
#include "selftests/hostile/victim.h"

#include <stddef.h>

#include "agent/agent_abi.h"

#include <kselftest_harness.h>

#define NR	2048
#define CHANGED 64

PAGER_FIXTURE(hostile_scribble)

/* Does whatever has an event, and believes nothing that it reads. */
static int change_mappings(struct target_share *sh)
{
	uint8_t *p = memory_map(NR);

	target_check(sh, user_become());
	for (uint64_t i = 1; !atomic_load(&sh->value[0]); i++) {
		uint8_t *part = p + i * 37 % (NR - CHANGED) * PAGE_SIZE;
		pid_t child;

		memory_fill(p, 0, NR, i);
		madvise(part, CHANGED / 2 * PAGE_SIZE, MADV_DONTNEED);
		mmap(part, CHANGED * PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		child = fork();
		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	return 0;
}

/* The control page of a process, as any that has a descriptor of it may map it; NULL: none. */
static struct agent_ctl *map_ctl(pid_t pid)
{
	char path[128], line[512];
	unsigned long first, end;
	void *ctl = MAP_FAILED;
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && ctl == MAP_FAILED && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "rw-s") || !strstr(line, "memfd:upager-agent") ||
		    sscanf(line, "%lx-%lx", &first, &end) != 2)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, first, end);
		fd = open(path, O_RDWR | O_CLOEXEC);
		ctl = mmap(NULL, AGENT_CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		break;
	}
	if (f)
		fclose(f);
	return ctl == MAP_FAILED ? NULL : ctl;
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void tell_a_lie(struct agent_ctl *ctl, uint64_t *seed)
{
	struct agent_batch *b = &ctl->batch[next(seed) % AGENT_BATCHES];
	struct agent_run *run = &b->run[next(seed) % 8];

	switch (next(seed) % 10) {
	case 0:
		atomic_store(&ctl->done, (uint32_t)(ctl->posted - next(seed) % 3));
		break;
	case 1:
		atomic_store(&ctl->done, (uint32_t)next(seed));
		break;
	case 2:
	case 3:
	case 4:
		atomic_store(&b->phase, (uint32_t)(next(seed) % 7));
		break;
	case 5:
		run->moved = next(seed) % 2 ? ~0ULL : next(seed);
		break;
	case 6:
		run->gone = next(seed);
		run->pinned = next(seed);
		break;
	case 7:
		run->error = next(seed) % 2 ? -EINVAL : (int32_t)next(seed);
		break;
	case 8:
		ctl->grip_pages = (uint32_t)next(seed);
		b->locked = (uint32_t)next(seed) & 1;
		break;
	default:
		atomic_store(&ctl->busy, (uint32_t)next(seed) & 1);
	}
}

TEST_F_TIMEOUT(hostile_scribble, lies_about_everything, 120)
{
	struct target v = victim_start(&self->pager), t;
	uint64_t seed = now_ns() | 1, end_ns;
	struct agent_ctl *ctl;

	fprintf(stderr, "# seed %llu\n", (unsigned long long)seed);
	t = target_start(&self->pager, change_mappings, TARGET_BUDGET);
	ASSERT_TRUE(wait_until(20, pager_status(&self->pager, t.pid).evictions > NR));
	ctl = map_ctl(t.pid);
	ASSERT_NE(NULL, ctl);
	end_ns = now_ns() + guard_times(5, 2) * 1000000000ULL;
	while (now_ns() < end_ns) {
		tell_a_lie(ctl, &seed);
		sleep_us((long)(next(&seed) % 200));
	}
	EXPECT_TRUE(victim_goes_on(&v));
	kill(t.pid, SIGKILL);
	target_end(&t);
	munmap(ctl, AGENT_CTL_BYTES);
	EXPECT_EQ(0, victim_end(&v));
	EXPECT_EQ(0, pager_stop(&self->pager));
}

TEST_HARNESS_MAIN
