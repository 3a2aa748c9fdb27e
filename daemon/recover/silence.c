// SPDX-License-Identifier: GPL-2.0-only
#include "recover/silence.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/untrusted.h"
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

static bool is_in(const struct agent_post *post, const struct uffd_msg *msg)
{
	for (uint32_t i = 0; i < post->nr_runs && post->mode == AGENT_COPY_DROP; i++) {
		uint64_t first = pgno_addr(post->at[i].run.first);

		if (msg->arg.remove.start >= first &&
		    msg->arg.remove.end <= first + post->at[i].run.nr_pages * PAGE_SIZE)
			return true;
	}
	return false;
}

/*
 * What the agent dropped, which nobody is to apply: the program was stopped, so
 * until now all of these are the agent's, and none from now on.
 */
static void forget_drops(const struct agent_posts *posts, struct event_slot *slot)
{
	for (uint32_t k = 0; k < EVENTS_BATCH && slot->msg[k].event; k++)
		for (uint32_t n = posts->settled; n != posts->posted; n++)
			if (slot->msg[k].event == UFFD_EVENT_REMOVE &&
			    is_in(&posts->post[n % AGENT_BATCHES], &slot->msg[k]))
				slot->msg[k].event = EVENT_APPLIED;
}

static bool lets_go(struct agent_ctl *ctl)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	uint64_t begin_ns = clock_ns();

	atomic_store(&ctl->hold, 1);
	while (untrusted(ctl->busy)) {
		if (clock_ns() - begin_ns > LET_GO_NS)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static void silence(struct pager *pg, uint32_t id)
{
	const struct space_facts *facts = space_record_facts(&pg->state.records[id]);
	struct agent_ctl *ctl;

	if (facts->ctl_fd < 0)
		return;
	ctl = mmap(NULL, AGENT_CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, facts->ctl_fd, 0);
	if (ctl == MAP_FAILED || may_drop(&pg->state.posts[id]) || !lets_go(ctl))
		end(facts->agent_pidfd);
	if (ctl != MAP_FAILED)
		munmap(ctl, AGENT_CTL_BYTES);
	forget_drops(&pg->state.posts[id], &pg->state.events[id]);
}

void silence_agents(struct pager *pg)
{
	for (uint32_t id = 1; id < pg->state.header->nr_ids; id++)
		if (pg->state.records[id].uffd >= 0)
			silence(pg, id);
}
