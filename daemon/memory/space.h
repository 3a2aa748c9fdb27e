/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SPACE_H
#define UPAGER_SPACE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/agent.h"
#include "control/range_job.h"
#include "evict/exit_pages.h"
#include "evict/policy.h"
#include "fault/fault_list.h"
#include "fault/readahead.h"
#include "kernel/uffd.h"
#include "life/terms.h"
#include "memory/page_entry.h"
#include "memory/quarantine.h"
#include "memory/range_set.h"
#include "memory/region.h"
#include "memory/run_list.h"
#include "memory/standby.h"
#include "memory/table.h"
#include "uapi/upager_proto.h"

/*
 * One paged address space: one userfaultfd, one tree of page tables.  Several
 * processes may share it (vfork, CLONE_VM); it lives until the kernel answers
 * ESRCH, whoever exits meanwhile.
 */
enum space_phase {
	/* Housekeeping is still building it: no concern of the worker's. */
	SPACE_NEW,
	/*
	 * A fork's child of which nothing is known but its userfaultfd.  VIRGIN
	 * faults are served; others wait until housekeeping has found the process
	 * and corrected what WIPEONFORK wipes.
	 */
	SPACE_FORKED,
	SPACE_LIVE,
	/* Everything is being brought in; no eviction. */
	SPACE_FILLING,
	/* Nothing is left outside; housekeeping unregisters, or goes back to LIVE. */
	SPACE_FILLED,
	/* ESRCH, or unregistered, or never begun: the worker lets go of it. */
	SPACE_CLOSING,
};

/* Written by the worker, read by anybody; pages unless said otherwise. */
struct space_stats {
	_Atomic uint64_t faults; /* messages */
	_Atomic uint64_t zero_fills;
	_Atomic uint64_t swap_ins;
	_Atomic uint64_t evictions;
	_Atomic uint64_t clean_drops;
	_Atomic uint64_t rescues;
	_Atomic uint64_t readahead_pages;
	_Atomic uint64_t readahead_hits;
	_Atomic uint64_t checksum_failures;
	_Atomic uint64_t io_errors;
	_Atomic uint64_t pinned;
	_Atomic uint64_t throttled; /* faults that waited for an eviction */
	_Atomic uint64_t forks;
	_Atomic uint64_t unexpected; /* zapped without an event (F9) */
	_Atomic uint64_t latency_ns_log2[UPAGER_HIST_BUCKETS];
};

#define EVENTS_BATCH 64
#define LATE_UNMAPS  128
#define HANDED_MAX   16

/*
 * Events of a space that were read and not all applied: in the state file.  One
 * that was applied becomes EVENT_APPLIED by one store; one that cannot be applied
 * twice from the start keeps its progress in its reserved members, as events.c
 * says.
 */
struct event_slot {
	struct uffd_msg msg[EVENTS_BATCH]; /* .event == 0: the end */
	/* event/late_unmap.c: a ring of UNMAPs that are to come. */
	struct late_unmap {
		uint64_t start;
		uint64_t end; /* 0: none */
	} late[LATE_UNMAPS];
	uint64_t nr_late;
};

_Static_assert(sizeof(struct event_slot) == 32 * EVENTS_BATCH + 16 * LATE_UNMAPS + 8,
	       "fixed layout");

#define EVENT_APPLIED 0xff

struct space {
	uint32_t id;
	int uffd;
	int pagemap_fd; /* -1 unknown: forked child */
	int maps_fd; /* /proc/PID/maps: for the clamp of REMAP */
	int task_dir_fd; /* /proc/PID/task */
	int mem_fd; /* /proc/PID/mem: reads staging when the agent died */
	pid_t pid; /* 0 unknown */
	uint32_t parent_id; /* fork: the space it came from, else 0 */
	uint32_t lineage; /* worker: the same in all that came from one by fork, or 0 */
	_Atomic uint32_t first_tid; /* forked child: thread of its first fault, 0 none yet */
	uint64_t
		search_at_ns; /* housekeeping: forked child, when to look for its process unasked */
	uint64_t search_pause_ns;

	/*
	 * Protects phase, terms, regions and the budget's numbers.  Held for look-ups
	 * and transitions, never across a system call.
	 */
	pthread_mutex_t lock;
	_Atomic uint32_t phase; /* enum space_phase */
	struct terms terms; /* for the children of forks */
	struct regions regions;
	/* Counts UNMAP and REMAP: what was looked at before may be another mapping. */
	uint64_t map_changes;
	_Atomic uint64_t budget_pages;
	_Atomic uint64_t other_pages; /* RssAnon beyond what is tracked: sampled */
	uint64_t sampled_ns;
	_Atomic bool evict_off; /* no eviction: no agent, or detaching */
	_Atomic bool tracks_writes; /* worker: by soft-dirty bits; no eviction any more */
	_Atomic bool adopt_wanted; /* housekeeping registered something */
	/* Housekeeping -> worker: an agent for a space that had none; NULL again when taken. */
	struct new_agent *_Atomic new_agent;
	struct run_list born_maps; /* forked child: what is registered, mapping by mapping */
	_Atomic bool flags_wanted; /* worker, forked child: that does not tell enough */
	/* Or, with their flags: what is registered, WIPEONFORK left out [F8] */
	struct regions born_with;
	struct regions born_doubted; /* and of that: what may not have been inherited */
	uint64_t born_changes; /* map_changes of that */
	struct range_set
		born_touched; /* worker, forked child: put there since the fork, by no proof */
	struct range_set
		born_silent; /* worker, forked child: there nothing tells what was handed on */
	struct page_range handed[HANDED_MAX]; /* worker, forked child: known to be handed on */
	uint32_t nr_handed; /* ever: the oldest gives way */
	bool moved; /* worker: by mremap(), some of its memory; or it is not known any more */
	pid_t parent_pid;
	uint64_t parent_changes; /* the parent's map_changes at the fork */
	_Atomic bool identified; /* forked child: that and the descriptors are set */
	_Atomic uint64_t quarantine_safe_ns; /* housekeeping: nobody was in madvise() since */
	struct run_list adopt; /* registered, not yet looked at */
	/* Housekeeping: of an agent that died with the daemon before this one; ctl_bytes 0: none. */
	struct inject_place left_behind;
	_Atomic bool rescan_wanted; /* the worker saw an unknown or changed mapping */
	_Atomic bool gone; /* housekeeping: the process is gone, expect ESRCH */
	bool by_itself; /* paged because it asked to: only the ranges that it registered */
	_Atomic bool hinted; /* a region has had a hint */
	struct range_job range_job; /* for the process: one range at a time */
	struct run_list fetch; /* to be brought in as far as the budget has room */
	_Atomic bool fetch_wanted;

	/* The worker's own from here on. */
	table_id_t root;
	_Atomic uint64_t nr_resident; /* RESIDENT and DETACHING */
	_Atomic uint64_t nr_detaching;
	_Atomic uint64_t nr_standby;
	_Atomic uint64_t nr_swapped;
	_Atomic uint64_t nr_lost;
	_Atomic uint64_t nr_reading; /* pages of reads in flight */
	uint32_t nr_writes; /* writes in flight */
	struct standby standby;
	struct agent agent;
	struct policy policy;
	struct readahead readahead;
	struct exit_pages exit_pages;
	struct fault_list deferred;
	bool retry; /* look at deferred again now */
	uint64_t retry_at_ns; /* look at deferred again then; 0 never */
	bool revoke_wanted; /* a fault waits too long for a batch */
	bool starved; /* a fill met -ENOMEM: the target's cgroup is full */
	pgno_t zero_next; /* a first touch here doubles the zero window */
	uint32_t zero_window;
	uint64_t write_backoff_ns; /* a write failed: no further one before */
	_Atomic bool stop_wanted; /* worker: evicting needs every thread stopped */
	_Atomic bool stop_failed; /* housekeeping: a thread may wait in the kernel for a fault */
	_Atomic bool
		stop_vain; /* housekeeping: little left the last time; it is not stopped for a while */
	_Atomic bool stopped; /* housekeeping: every thread is stopped */
	_Atomic bool late; /* worker: the agent does not answer, nobody waits for it */
	_Atomic bool dropping; /* worker: they must stay so until it is not [F2] */
	bool draining; /* a fork waits for writes: nothing new is dirtied */
	bool changing; /* change.h */
	bool events_waiting; /* the event slot holds events not yet applied */
	bool closing; /* polls are being cancelled */
	bool readable; /* uffd may have messages */
	uint64_t hold_at_ns; /* the agent did not let go: not again before */
	uint64_t hold_pause_ns;
	bool area_full;
	struct quarantine quarantine; /* REMOVE was applied, the zap may be to come [F3] */
	_Atomic uint32_t orphans; /* forks whose child could not be taken on */
	uint32_t orphans_said; /* housekeeping: of these */
	bool late_said; /* housekeeping */
	bool agent_watched; /* housekeeping: its end wakes it */
	uint64_t fill_cursor; /* FILLING: page number to go on from */
	uint64_t evict_backoff_ns; /* nothing could be moved: not before */
	uint64_t evict_pause_ns; /* for so long the last time */
	uint64_t evictions_seen; /* then */
	bool evict_more; /* victims are still being looked for */
	uint32_t vain_batches; /* of which nothing left, one after the other */
	bool reread; /* reading failed for want of descriptors: again with the retry */
	bool scarce; /* a spare one was given up for what is read next */
	uint64_t scarce_since_ns; /* 0: there are descriptors */
	struct event_slot *events;
	struct space *next_closed;
	struct space_stats stats;
};

struct new_agent {
	struct agent agent;
	struct standby standby; /* map NULL: the space has one */
};

/* Address ranges in the target that are the agent's: never paged, never reported on. */
static inline bool space_is_ours(const struct space *sp, uint64_t addr)
{
	const struct inject_place *p = &sp->agent.place;

	return addr - p->staging_addr < p->staging_bytes || addr - p->stack_addr < p->stack_bytes ||
	       addr - p->ctl_addr < p->ctl_bytes || addr - p->code_addr < p->code_bytes;
}

/* Whether waiting for an eviction makes sense. */
static inline bool space_can_evict(const struct space *sp)
{
	return agent_present(&sp->agent) && !sp->evict_off && !sp->tracks_writes &&
	       !sp->area_full && !sp->evict_backoff_ns && !sp->late && !sp->gone;
}

static inline void space_count(_Atomic uint64_t *counter, uint64_t n)
{
	/* One writer: no locked instruction needed. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* Worker: a stream that is read in order has come to n. */
void space_leave_behind(struct space *sp, pgno_t n);

struct space *space_new(uint32_t id, int uffd, struct event_slot *events);
void space_free(struct space *sp);
void space_close_views(struct space *sp);
void space_latency(struct space *sp, uint64_t begin_ns);

#endif
