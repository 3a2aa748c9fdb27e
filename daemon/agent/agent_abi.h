/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AGENT_ABI_H
#define UPAGER_AGENT_ABI_H

#include <stddef.h>
#include <stdint.h>

/*
 * The control page between the daemon and the agent, a memfd mapped by both.
 *
 * The agent is a CLONE_VM process beside the target.  The daemon posts batches
 * of address runs; the agent moves the pages out to staging, copies staging
 * into the standby pool, tells the daemon, and drops staging:
 *
 *   for every run: the hold handshake, then UFFDIO_MOVE to staging;
 *       EBUSY: MADV_POPULATE_WRITE (un-shares) and MOVE again; still EBUSY:
 *       pinned; ENOENT: gone; EEXIST: staging was populated by somebody
 *       (mlockall), drop it and try again;
 *   vmsplice(grip) of what moved; madvise(staging, FREE) (one REMOVE event,
 *       which the daemon ignores);
 *   the hold handshake, then, all while busy: splice(grip, pool_fd), phase =
 *       COPIED;
 *   madvise(staging, PAGEOUT); for what is left there (release.h says why) the
 *       hold handshake and UFFDIO_MOVE back;
 *   the hold handshake, done++, write(event_fd).
 *
 * Hold handshake (Dekker): the agent sets busy, then loads hold; if hold is
 * set it clears busy and waits.  The daemon sets hold, then waits for busy to
 * be clear.  All of these accesses are sequentially consistent.  So no MOVE
 * and no copy runs while the daemon reads and applies events, and `moved` is
 * exact then.  While busy, and after hold was found clear, the agent loads
 * cancel and the batch's phase: with cancel set no further MOVE is started, but
 * what was moved is copied and reported as usual; a batch whose phase the
 * daemon made REVOKED or WITHDRAWN (under hold) is settled already: the agent
 * moves and copies nothing more for it, drops its staging and counts it in done.
 * What was copied when it was withdrawn is in the pool, or newer in staging.
 *
 * The daemon never waits for the agent but in the handshake, because the agent
 * may wait for the daemon: in POPULATE_WRITE for a fault, in FREE and DONTNEED
 * for their event to be read.
 *
 * Every field has one writer, named in its comment.
 */

#define AGENT_BATCHES	  2
#define AGENT_RUNS_MAX	  128
#define AGENT_RUN_PAGES	  64 /* a run's masks are 64 bits */
#define AGENT_BATCH_PAGES 256

enum agent_mode {
	AGENT_MOVE = 0,
	/*
	 * Stopped eviction for kernels without UFFDIO_MOVE: every other thread
	 * of the address space is stopped and the daemon saw the pages present
	 * and write-protected them.  pwrite(pool_fd) straight from the program's
	 * pages, phase = COPIED, then madvise(run, DONTNEED) (REMOVE events,
	 * which the daemon ignores), phase = DROPPED, done++, write(event_fd).
	 * A batch that is REVOKED before it is COPIED is not dropped.
	 */
	AGENT_COPY_DROP = 1,
	/*
	 * No run: while busy, fallocate(pool_fd, PUNCH_HOLE) of staging_pages
	 * pages from trim_first on, phase = DROPPED; then done++, write(event_fd).
	 */
	AGENT_TRIM = 2,
};

enum agent_phase {
	AGENT_IDLE = 0, /* never posted */
	AGENT_POSTED = 1, /* by the daemon */
	AGENT_COPIED = 2, /* by the agent: all that moved is in the pool */
	AGENT_DROPPED = 3, /* by the agent: AGENT_COPY_DROP and AGENT_TRIM only */
	AGENT_REVOKED = 4, /* by the daemon, under hold: it was POSTED */
	AGENT_WITHDRAWN = 5, /* likewise, AGENT_MOVE only: it was COPIED */
};

struct agent_run {
	uint64_t addr; /* daemon */
	uint32_t nr_pages; /* daemon; at most AGENT_RUN_PAGES */
	uint32_t staging_first; /* daemon: page index in staging */
	uint32_t pool_first; /* daemon: page index in the pool */
	int32_t error; /* agent: the last unexpected -errno, 0 if none */
	uint64_t moved; /* agent: bit per page now in pool (copied when COPIED) */
	uint64_t pinned; /* agent: bit per page that somebody holds: it is the program's */
	uint64_t gone; /* agent: bit per page that was not there */
};

struct agent_batch {
	uint32_t mode; /* daemon: enum agent_mode */
	uint32_t nr_runs; /* daemon */
	_Atomic uint32_t phase; /* both: enum agent_phase */
	uint32_t staging_first; /* daemon: the batch's part of staging, in pages */
	uint32_t staging_pages; /* daemon */
	uint32_t locked; /* agent: mlockall() while it moved: all that moved is to come back */
	uint32_t unheld; /* daemon: only pages that nobody holds may leave */
	uint32_t trim_first; /* daemon: page index in the pool */
	struct agent_run run[AGENT_RUNS_MAX];
};

#define AGENT_MAGIC 0x75706167u

struct agent_ctl {
	uint32_t magic; /* injector: AGENT_MAGIC */
	uint32_t version; /* injector: 1 */
	_Atomic uint32_t posted; /* daemon: batches posted so far; futex the agent sleeps on */
	_Atomic uint32_t done; /* agent: batches finished so far */
	_Atomic uint32_t hold; /* daemon; futex the agent sleeps on when held */
	_Atomic uint32_t busy; /* agent */
	_Atomic uint32_t cancel; /* daemon */
	_Atomic uint32_t quit; /* daemon: then bump posted and wake; the agent calls exit(0) */
	_Atomic uint32_t ready; /* agent: 1 once set up; the injector waits for it */
	int32_t setup_error; /* agent: -errno of its set-up, ready stays 0 */
	int32_t uffd; /* injector: descriptors in the agent's table */
	int32_t pool_fd;
	int32_t event_fd;
	uint32_t staging_pages; /* injector */
	uint64_t staging; /* injector: addresses in the target */
	int32_t grip_fd; /* injector */
	uint32_t grip_pages; /* injector: what the grip can hold */
	uint64_t pad[7];
	struct agent_batch batch[AGENT_BATCHES]; /* batch n is batch[n % AGENT_BATCHES] */
};

#define AGENT_CTL_BYTES	    ((sizeof(struct agent_ctl) + 4095) & ~(size_t)4095)
#define AGENT_STAGING_PAGES (AGENT_BATCHES * AGENT_BATCH_PAGES)

#endif
