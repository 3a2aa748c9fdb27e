// SPDX-License-Identifier: GPL-2.0-only
#include "recover/silence.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LET_GO_NS (100 * NS_PER_MS)
#define LOOK_NS	  50000
#define END_MS	  1000

static void end(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	poll(&pfd, 1, END_MS);
}

static bool may_drop(const struct agent_posts *posts)
{
	for (uint32_t n = posts->settled; n != posts->posted; n++)
		if (posts->post[n % AGENT_BATCHES].mode == AGENT_COPY_DROP)
			return true;
	return false;
}

static bool lets_go(struct agent_ctl *ctl)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	uint64_t begin_ns = clock_ns();

	atomic_store(&ctl->hold, 1);
	while (atomic_load(&ctl->busy)) {
		if (clock_ns() - begin_ns > LET_GO_NS)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static void silence(struct pager *pg, uint32_t id)
{
	const struct space_facts *facts = space_record_facts(&pg->records[id]);
	struct agent_ctl *ctl;

	if (facts->ctl_fd < 0)
		return;
	ctl = mmap(NULL, AGENT_CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, facts->ctl_fd, 0);
	if (ctl == MAP_FAILED || may_drop(&pg->posts[id]) || !lets_go(ctl))
		end(facts->agent_pidfd);
	if (ctl != MAP_FAILED)
		munmap(ctl, AGENT_CTL_BYTES);
}

void silence_agents(struct pager *pg)
{
	for (uint32_t id = 1; id < SPACES_MAX; id++)
		if (pg->records[id].uffd >= 0)
			silence(pg, id);
}
