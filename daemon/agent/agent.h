/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AGENT_H
#define UPAGER_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/agent_abi.h"
#include "agent/agent_posts_format.h"
#include "agent/inject.h"
#include "base/types.h"

/*
 * The daemon's end of an agent.  The control page is shared with the target,
 * which may scribble on it; so nothing in it is trusted but for the target's
 * own pages, and what matters is kept here and in the posts.
 */
struct agent {
	struct agent_ctl *ctl; /* NULL: no agent */
	int ctl_fd;
	int event_fd;
	int pidfd;
	pid_t pid;
	uint32_t file_pages; /* how large a file it may write */
	uint32_t tid; /* as its faults tell it: in its own pid namespace; 0 unknown */
	uint32_t uid; /* effective, when it came */
	struct inject_place place;
	uint32_t posted; /* as the posts have it */
	uint32_t settled;
	bool dead;
	struct agent_posts *posts; /* in the state file */
};

/* What became of one run of a batch, masks cut to the run's pages. */
struct agent_outcome {
	uint64_t moved;
	uint64_t pinned;
	uint64_t gone;
	uint64_t settled; /* already: no more to be done */
	uint64_t lost; /* moved, and not to be had from staging */
	bool locked; /* all memory was locked meanwhile: what moved is to come back */
	int error;
};

/* posts: where they are kept, the agent's alone from now on; NULL: -ENOSPC. */
int agent_init(struct agent *ag, struct agent_posts *posts);
/* Of the daemon before this one: its descriptors are ours.  -EBADMSG: the posts are damaged. */
int agent_restore(struct agent *ag, struct agent_posts *posts, int ctl_fd, int event_fd);
void agent_fini(struct agent *ag);
/*
 * The process that runs it, alive, and its pidfd, which is the agent's from now
 * on.  It has the target's limits: -EFBIG when it may not write nr_places.
 */
int agent_set_process(struct agent *ag, pid_t pid, int pidfd, uint32_t nr_places);

static inline bool agent_present(const struct agent *ag)
{
	return ag->ctl && !ag->dead;
}

/* Whether a fault of this thread (uffd_msg.arg.pagefault.feat.ptid) is the agent's own. */
static inline bool agent_is_thread(const struct agent *ag, uint32_t tid)
{
	return agent_present(ag) && tid && tid == ag->tid;
}

static inline uint32_t agent_pending(const struct agent *ag)
{
	return ag->posted - ag->settled;
}

/* The post to fill next, or NULL while the agent has none free. */
struct agent_post *agent_next_post(struct agent *ag);
void agent_submit(struct agent *ag);
/* The oldest batch if the agent has finished it (or died), else NULL. */
const struct agent_post *agent_finished(struct agent *ag);
struct agent_outcome agent_outcome(const struct agent *ag, uint32_t run_index);
void agent_settle(struct agent *ag);

/*
 * It has not answered a batch for so long that nobody should wait for it: it is
 * stopped, or waits for something that does not come.
 */
bool agent_is_late(const struct agent *ag);

/*
 * The hold handshake.  agent_hold() returns false when the agent did not let
 * go within some microseconds (stopped or frozen while busy): the caller must
 * not read events now, calls agent_release() and tries again later.  patient: gives
 * way to others, one of which it may be, before it says so.
 */
bool agent_hold(struct agent *ag, bool patient);
void agent_release(struct agent *ag);
/*
 * Under hold, or when the agent is dead: takes the oldest pending batch away
 * from the agent.  What it had come to before: AGENT_POSTED: what moved is still
 * in staging.  AGENT_COPIED: it is in the pool, and may be in staging or the
 * program's again.  AGENT_DROPPED: nothing is to be taken away.
 */
enum agent_phase agent_revoke(struct agent *ag);
/* The oldest pending batch, copied, is being dropped: its end must be waited for. */
bool agent_is_dropping(const struct agent *ag);
/* Posts that it was never shown are settled: it counts them and does nothing. */
void agent_catch_up(struct agent *ag);
/* How many pages the agent can take at once. */
uint32_t agent_batch_limit(const struct agent *ag);
/* Whether it may drop pages where they are: nothing must run meanwhile [F2]. */
bool agent_may_drop(const struct agent *ag);
/* Whether it may still make a hole in the pool. */
bool agent_trims(const struct agent *ag);
/* Whether a page of [first, end) is in a pending batch. */
bool agent_has(const struct agent *ag, pgno_t first, pgno_t end);
/* The agent ends itself; its pidfd tells when. */
void agent_dismiss(struct agent *ag);
/*
 * Ends it whatever it does.  False: it is no agent any more.  That of a program
 * that pages itself may have executed another, which is not ours to end.
 */
bool agent_kill(struct agent *ag);

#endif
