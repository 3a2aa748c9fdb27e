// SPDX-License-Identifier: GPL-2.0-only
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/untrusted.h"
#include "base/clock.h"

/* One MOVE of AGENT_RUN_PAGES takes 10 to 50 us; yielding passes a slow CPU. */
#define HOLD_SPINS  2000
#define HOLD_YIELDS 200
/* Of a batch, which takes some milliseconds where the machine is busy. */
#define LATE_NS	    (2 * NS_PER_S)
/* Above all that a program can have. */
#define ADDR_END    (1ULL << 57)

static void wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

int agent_init(struct agent *ag, struct agent_posts *posts)
{
	int err;

	memset(ag, 0, sizeof(*ag));
	ag->pidfd = -1;
	ag->event_fd = -1;
	ag->ctl_fd = -1;
	if (!posts)
		return -ENOSPC;
	memset(posts, 0, sizeof(*posts));
	ag->posts = posts;
	ag->ctl_fd = memfd_create("upager-agent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ag->ctl_fd < 0)
		return -errno;
	/* Who cuts it off would have us die of SIGBUS. */
	if (ftruncate(ag->ctl_fd, (off_t)AGENT_CTL_BYTES) ||
	    fcntl(ag->ctl_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		err = -errno;
		goto close_ctl;
	}
	ag->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ag->event_fd < 0) {
		err = -errno;
		goto close_ctl;
	}
	ag->ctl = mmap(NULL, AGENT_CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		       ag->ctl_fd, 0);
	if (ag->ctl == MAP_FAILED) {
		err = -errno;
		goto close_event;
	}
	return 0;

close_event:
	close(ag->event_fd);
close_ctl:
	close(ag->ctl_fd);
	memset(ag, 0, sizeof(*ag));
	ag->pidfd = ag->event_fd = ag->ctl_fd = -1;
	return err;
}

/* Of a run that a daemon can have posted. */
static bool run_is_sound(struct run run, uint32_t staging_first)
{
	return run.nr_pages && run.nr_pages <= AGENT_RUN_PAGES &&
	       staging_first <= AGENT_BATCH_PAGES - run.nr_pages &&
	       run.first.v <= ADDR_END >> PAGE_SHIFT;
}

/* The places of a run are compared with those of its pages, which are known to be in the pool. */
static bool posts_are_sound(const struct agent_posts *posts)
{
	if (posts->posted - posts->settled > AGENT_BATCHES)
		return false;
	for (uint32_t n = posts->settled; n != posts->posted; n++) {
		const struct agent_post *post = &posts->post[n % AGENT_BATCHES];

		if (post->nr_runs > AGENT_RUNS_MAX || post->mode > AGENT_TRIM)
			return false;
		for (uint32_t i = 0; i < post->nr_runs; i++)
			if (!run_is_sound(post->at[i].run, post->at[i].staging_first))
				return false;
	}
	return true;
}

int agent_restore(struct agent *ag, struct agent_posts *posts, int ctl_fd, int event_fd)
{
	struct agent_ctl *ctl;

	if (!posts_are_sound(posts))
		return -EBADMSG;
	ctl = mmap(NULL, AGENT_CTL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ctl_fd, 0);
	if (ctl == MAP_FAILED)
		return -errno;
	ag->ctl = ctl;
	ag->ctl_fd = ctl_fd;
	ag->event_fd = event_fd;
	ag->posts = posts;
	ag->posted = posts->posted;
	ag->settled = posts->settled;
	for (int i = 0; i < AGENT_BATCHES; i++) /* it was held until now */
		posts->post[i].posted_ns = clock_ns();
	return 0;
}

void agent_fini(struct agent *ag)
{
	if (!ag->ctl)
		return;
	munmap(ag->ctl, AGENT_CTL_BYTES);
	close(ag->ctl_fd);
	close(ag->event_fd);
	if (ag->pidfd >= 0)
		close(ag->pidfd);
	memset(ag, 0, sizeof(*ag));
	ag->pidfd = ag->event_fd = ag->ctl_fd = -1;
}

#define NO_UID UINT32_MAX /* it could not be asked */

struct identity {
	uint32_t tid; /* in its innermost namespace */
	uint32_t uid; /* effective */
};

/* Its control page is the target's, too, and would tell whatever that likes. */
static struct identity identify(pid_t pid)
{
	struct identity id = { 0, NO_UID };
	char path[32], line[256], *last;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && !id.tid && fgets(line, sizeof(line), f)) {
		sscanf(line, "Uid: %*u %u", &id.uid);
		last = strncmp(line, "NSpid:", 6) ? NULL : strrchr(line, '\t');
		if (last)
			id.tid = (uint32_t)strtoul(last, NULL, 10);
	}
	if (f)
		fclose(f);
	return id;
}

int agent_set_process(struct agent *ag, pid_t pid, int pidfd, uint32_t nr_places)
{
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };
	struct identity id = identify(pid);

	ag->pid = pid;
	ag->pidfd = pidfd;
	ag->tid = id.tid;
	ag->uid = id.uid;
	ag->file_pages = UINT32_MAX;
	if (!prlimit(pid, RLIMIT_FSIZE, &lim, NULL))
		return 0;
	/* Without CAP_SYS_RESOURCE, as in a container. */
	if (prlimit(pid, RLIMIT_FSIZE, NULL, &lim))
		return 0; /* it has gone, which its pidfd tells */
	lim.rlim_cur = lim.rlim_max;
	prlimit(pid, RLIMIT_FSIZE, &lim, NULL);
	ag->file_pages = (uint32_t)min_t(uint64_t, lim.rlim_max / PAGE_SIZE, UINT32_MAX);
	return ag->file_pages < nr_places ? -EFBIG : 0;
}

struct agent_post *agent_next_post(struct agent *ag)
{
	struct agent_post *post = &ag->posts->post[ag->posted % AGENT_BATCHES];

	/* A revoked batch is settled before the agent has counted it. */
	if (ag->posted - untrusted(ag->ctl->done) >= AGENT_BATCHES ||
	    agent_pending(ag) == AGENT_BATCHES)
		return NULL;
	post->nr_runs = 0;
	post->nr_pages = 0;
	return post;
}

void agent_submit(struct agent *ag)
{
	uint32_t n = ag->posted % AGENT_BATCHES;
	struct agent_post *post = &ag->posts->post[n];
	struct agent_batch *b = &ag->ctl->batch[n];

	post->posted_ns = clock_ns();
	b->mode = post->mode;
	b->nr_runs = post->nr_runs;
	b->locked = 0;
	b->unheld = post->unheld;
	b->staging_first = n * AGENT_BATCH_PAGES;
	b->staging_pages = post->nr_pages;
	b->trim_first = post->mode == AGENT_TRIM ? post->at[0].place : 0;
	for (uint32_t i = 0; i < post->nr_runs; i++)
		b->run[i] = (struct agent_run){
			.addr = pgno_addr(post->at[i].run.first),
			.nr_pages = post->at[i].run.nr_pages,
			.staging_first = n * AGENT_BATCH_PAGES + post->at[i].staging_first,
			.pool_first = post->at[i].place,
		};
	/* Before the agent can see it. */
	atomic_store(&ag->posts->posted, ++ag->posted);
	atomic_store(&b->phase, AGENT_POSTED);
	atomic_store(&ag->ctl->posted, ag->posted);
	wake(&ag->ctl->posted);
}

const struct agent_post *agent_finished(struct agent *ag)
{
	if (!agent_pending(ag))
		return NULL;
	if ((int32_t)(untrusted(ag->ctl->done) - ag->settled) <= 0)
		return NULL;
	return &ag->posts->post[ag->settled % AGENT_BATCHES];
}

struct agent_outcome agent_outcome(const struct agent *ag, uint32_t run_index)
{
	uint32_t n = ag->settled % AGENT_BATCHES;
	const struct agent_run *r = &ag->ctl->batch[n].run[run_index];
	uint32_t nr_pages = ag->posts->post[n].at[run_index].run.nr_pages;
	uint64_t mask = nr_pages == 64 ? ~0ULL : (1ULL << nr_pages) - 1;

	return (struct agent_outcome){
		.moved = untrusted(r->moved) & mask,
		.pinned = untrusted(r->pinned) & mask,
		.gone = untrusted(r->gone) & mask,
		.error = untrusted(r->error),
		.locked = untrusted(ag->ctl->batch[n].locked),
	};
}

void agent_settle(struct agent *ag)
{
	atomic_store(&ag->posts->settled, ++ag->settled);
}

static bool is_old(const struct agent *ag, uint32_t n)
{
	return clock_ns() - ag->posts->post[n % AGENT_BATCHES].posted_ns > LATE_NS;
}

bool agent_is_late(const struct agent *ag)
{
	uint32_t done;

	if (!agent_present(ag))
		return false;
	done = untrusted(ag->ctl->done);
	/* What it says to have done it tells by the eventfd, too, unless that is a lie. */
	return (ag->posted != done && is_old(ag, done)) ||
	       (agent_pending(ag) && is_old(ag, ag->settled));
}

bool agent_hold(struct agent *ag, bool patient)
{
	if (!agent_present(ag))
		return true;
	atomic_store(&ag->ctl->hold, 1);
	for (int i = 0; i < HOLD_SPINS; i++) {
		if (!untrusted(ag->ctl->busy))
			return true;
		__builtin_ia32_pause();
	}
	for (int i = 0; patient && i < HOLD_YIELDS; i++) {
		if (!untrusted(ag->ctl->busy))
			return true;
		sched_yield();
	}
	return false;
}

void agent_release(struct agent *ag)
{
	if (!ag->ctl)
		return;
	atomic_store(&ag->ctl->hold, 0);
	/* The agent sleeps on hold only when it has a batch, one revoked and settled included. */
	if (ag->posted != untrusted(ag->ctl->done))
		wake(&ag->ctl->hold);
}

enum agent_phase agent_revoke(struct agent *ag)
{
	uint32_t n = ag->settled % AGENT_BATCHES;
	struct agent_batch *b = &ag->ctl->batch[n];
	uint32_t was = AGENT_POSTED;

	if (atomic_compare_exchange_strong(&b->phase, &was, AGENT_REVOKED))
		return AGENT_POSTED;
	if (was != AGENT_COPIED)
		return AGENT_DROPPED;
	if (ag->posts->post[n].mode == AGENT_MOVE)
		atomic_store(&b->phase, AGENT_WITHDRAWN);
	return AGENT_COPIED;
}

uint32_t agent_batch_limit(const struct agent *ag)
{
	uint32_t nr_pages = untrusted(ag->ctl->grip_pages);

	return nr_pages && nr_pages < AGENT_BATCH_PAGES ? nr_pages : AGENT_BATCH_PAGES;
}

void agent_catch_up(struct agent *ag)
{
	uint32_t nr_unseen = ag->posted - untrusted(ag->ctl->posted);

	/* All of them, if that cannot be. */
	for (uint32_t i = 0; i < min_t(uint32_t, nr_unseen, AGENT_BATCHES); i++) {
		struct agent_batch *b = &ag->ctl->batch[(ag->posted - 1 - i) % AGENT_BATCHES];

		b->nr_runs = 0;
		atomic_store(&b->phase, AGENT_REVOKED);
	}
	atomic_store(&ag->ctl->posted, ag->posted);
	wake(&ag->ctl->posted);
}

bool agent_is_dropping(const struct agent *ag)
{
	uint32_t n = ag->settled % AGENT_BATCHES;

	return !ag->dead && ag->posts->post[n].mode == AGENT_COPY_DROP &&
	       untrusted(ag->ctl->batch[n].phase) == AGENT_COPIED;
}

static bool has_mode(const struct agent *ag, enum agent_mode mode)
{
	for (uint32_t n = ag->settled; n != ag->posted; n++)
		if (ag->posts->post[n % AGENT_BATCHES].mode == mode)
			return true;
	return false;
}

bool agent_may_drop(const struct agent *ag)
{
	return has_mode(ag, AGENT_COPY_DROP);
}

bool agent_trims(const struct agent *ag)
{
	return has_mode(ag, AGENT_TRIM);
}

bool agent_has(const struct agent *ag, pgno_t first, pgno_t end)
{
	for (uint32_t n = ag->settled; n != ag->posted; n++) {
		const struct agent_post *post = &ag->posts->post[n % AGENT_BATCHES];

		for (uint32_t i = 0; i < post->nr_runs; i++)
			if (post->at[i].run.first.v < end.v &&
			    first.v < post->at[i].run.first.v + post->at[i].run.nr_pages)
				return true;
	}
	return false;
}

void agent_dismiss(struct agent *ag)
{
	if (!ag->ctl)
		return;
	atomic_store(&ag->ctl->quit, 1);
	atomic_fetch_add(&ag->ctl->posted, 1);
	wake(&ag->ctl->posted);
	atomic_store(&ag->ctl->hold, 0);
	wake(&ag->ctl->hold);
}

bool agent_kill(struct agent *ag)
{
	uint32_t uid = identify(ag->pid).uid;

	if (uid != NO_UID && ag->uid != NO_UID && uid != ag->uid)
		return false;
	return !syscall(SYS_pidfd_send_signal, ag->pidfd, SIGKILL, NULL, 0) || errno != ESRCH;
}
