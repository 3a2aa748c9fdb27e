/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_AGENT_FIXTURE_H
#define UPAGER_SELFTESTS_AGENT_FIXTURE_H

#include "selftests/agent/agent_pager.h"

#include <kselftest_harness.h>

/* A program with a few pages whose contents are known, and room for the pager of its agent. */
#define NR_PAGES 64u

FIXTURE(agent)
{
	struct program p;
	struct traces before;
	struct pager *pg;
	uint64_t base;
};

FIXTURE_SETUP(agent)
{
	self->p = program_start("inject_shell", NULL, NULL);
	self->base = (uint64_t)program_ask(&self->p, "map %u", NR_PAGES);
	ASSERT_EQ(0, self->base % PAGE_SIZE);
	ASSERT_EQ(0, program_ask(&self->p, "fill 1"));
	self->pg = malloc(sizeof(*self->pg));
}

FIXTURE_TEARDOWN(agent)
{
	program_end(&self->p);
	free(self->pg);
}

/* MOVE is of Linux 6.8. */
static inline bool can_move(void)
{
	struct uffd_caps caps;

	return !uffd_probe(&caps) && caps.move;
}

#define START() \
	ASSERT_EQ(0, pager_start(self->pg, self->p.pid, self->base, NR_PAGES)) TH_LOG("attach")
#define NEED_MOVE()      \
	if (!can_move()) \
	SKIP(return, "this kernel has no UFFDIO_MOVE")
#define END()                                                                  \
	EXPECT_EQ(0, pager_end(self->pg)) TH_LOG("%s", self->pg->s.res.cause); \
	EXPECT_EQ(0, program_ask(&self->p, "check 1 0")) TH_LOG("after the end")
#define ALL (~0ULL)

/* Is page @page, as filled with seed 1, in the pool? */
static inline bool pool_holds(const struct pager *pg, uint32_t page)
{
	const uint64_t *word = (const uint64_t *)(pg->pool + (size_t)pg->place[page] * PAGE_SIZE);

	for (uint32_t w = 0; w < PAGE_SIZE / 8; w++) {
		if (word[w] != 0x9e3779b97f4a7c15u + (uint64_t)page * 512 + w)
			return false;
	}
	return true;
}

static inline uint32_t resident_pages(pid_t pid, uint64_t addr, uint32_t nr_pages)
{
	uint64_t entry[NR_PAGES];
	char path[64];
	uint32_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (pread(fd, entry, nr_pages * 8, (off_t)(addr / PAGE_SIZE * 8)) != nr_pages * 8)
		return UINT32_MAX;
	close(fd);
	for (uint32_t i = 0; i < nr_pages; i++)
		n += (uint32_t)(entry[i] >> 63);
	return n;
}

/* One run of all pages: posted, done, and where its outcome is. */
static inline const struct agent_run *move_all(struct pager *pg, enum agent_mode mode)
{
	const struct agent_batch *batch;

	pager_add_run(pg, 0, NR_PAGES);
	pager_post(pg, mode);
	batch = pager_wait(pg, atomic_load(&pg->s.ctl->posted));
	return batch ? &batch->run[0] : NULL;
}

#endif
