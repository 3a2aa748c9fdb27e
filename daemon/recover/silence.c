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
#define END_NS	  NS_PER_S

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

static void end(int pidfd)
{
	syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static bool lets_go(struct agent_ctl *ctl, uint64_t until_ns)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };

	while (untrusted(ctl->busy)) {
		if (clock_ns() > until_ns)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static int agent_pidfd_of(struct pager *pg, uint32_t id)
{
	const struct space_facts *facts = space_record_facts(&pg->state.records[id]);

	return pg->state.records[id].uffd >= 0 && facts->ctl_fd >= 0 ? facts->agent_pidfd : -1;
}

static struct agent_ctl *map_ctl(struct pager *pg, uint32_t id)
{
	struct agent_ctl *ctl = mmap(NULL, AGENT_CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
				     space_record_facts(&pg->state.records[id])->ctl_fd, 0);

	return ctl == MAP_FAILED ? NULL : ctl;
}

static void hold(struct pager *pg, uint32_t id)
{
	struct agent_ctl *ctl = map_ctl(pg, id);

	if (ctl) {
		atomic_store(&ctl->hold, 1);
		munmap(ctl, AGENT_CTL_BYTES);
	}
}

static void end_unless_silent(struct pager *pg, uint32_t id, uint64_t until_ns)
{
	struct agent_ctl *ctl = map_ctl(pg, id);

	if (!ctl || may_drop(&pg->state.posts[id]) || !lets_go(ctl, until_ns))
		end(agent_pidfd_of(pg, id));
	if (ctl)
		munmap(ctl, AGENT_CTL_BYTES);
}

/* Gone, or silent. */
static void await_silence(struct pager *pg, uint32_t id, uint64_t until_ns)
{
	struct pollfd pfd = { .fd = agent_pidfd_of(pg, id), .events = POLLIN };
	struct agent_ctl *ctl = map_ctl(pg, id);
	uint64_t now_ns = clock_ns();

	if (!ctl || may_drop(&pg->state.posts[id]) || untrusted(ctl->busy))
		poll(&pfd, 1, now_ns < until_ns ? (int)((until_ns - now_ns) / NS_PER_MS) : 0);
	if (ctl)
		munmap(ctl, AGENT_CTL_BYTES);
	forget_drops(&pg->state.posts[id], &pg->state.events[id]);
}

/* Each step for all of them before the next: however many are stuck, it takes one deadline. */
void silence_agents(struct pager *pg)
{
	uint32_t nr_ids = pg->state.header->nr_ids;
	uint64_t until_ns;

	for (uint32_t id = 1; id < nr_ids; id++)
		if (agent_pidfd_of(pg, id) >= 0)
			hold(pg, id);
	until_ns = clock_ns() + LET_GO_NS;
	for (uint32_t id = 1; id < nr_ids; id++)
		if (agent_pidfd_of(pg, id) >= 0)
			end_unless_silent(pg, id, until_ns);
	until_ns = clock_ns() + END_NS;
	for (uint32_t id = 1; id < nr_ids; id++)
		if (agent_pidfd_of(pg, id) >= 0)
			await_silence(pg, id, until_ns);
}
