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
#include "control/where_job.h"
#include "recover/event_slot_format.h"
#include "evict/exit_pages.h"
#include "evict/policy.h"
#include "fault/fault_list.h"
#include "fault/readahead.h"
#include "fault/strides.h"
#include "kernel/uffd.h"
#include "life/full.h"
#include "life/pressure.h"
#include "life/terms.h"
#include "memory/hint_record.h"
#include "memory/page_entry_format.h"
#include "memory/quarantine.h"
#include "memory/range_set.h"
#include "memory/region.h"
#include "memory/run_list.h"
#include "memory/stall.h"
#include "memory/standby.h"
#include "memory/standby_growth.h"
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
	_Atomic uint64_t lost; /* that could not be had in the end */
	_Atomic uint64_t pinned;
	_Atomic uint64_t throttled; /* faults that waited for an eviction */
	_Atomic uint64_t forks;
	_Atomic uint64_t unexpected; /* zapped without an event (F9) */
	_Atomic uint64_t latency_ns; /* of all together */
	_Atomic uint64_t latency_ns_log2[UPAGER_HIST_BUCKETS];
};

#define HANDED_MAX 16

/* Who it is: housekeeping finds out, before the worker knows the space or before identified. */
struct space_process {
	pid_t pid; /* 0 unknown */
	pid_t parent_pid;
	int pagemap_fd; /* -1 unknown: forked child */
	int maps_fd; /* /proc/PID/maps: for the clamp of REMAP */
	int task_dir_fd; /* /proc/PID/task */
	int mem_fd; /* /proc/PID/mem: reads staging when the agent died */
	bool by_itself; /* paged because it asked to: only the ranges that it registered */
};

/* Under the space's lock, whoever it is. */
struct space_locked {
	struct terms terms; /* for the children of forks */
	struct regions regions;
	/* Counts UNMAP and REMAP: what was looked at before may be another mapping. */
	uint64_t map_changes;
	struct run_list adopt; /* registered, not yet looked at */
	struct run_list fetch; /* to be brought in as far as the budget has room */
	struct hint_record *hints; /* a region has had a hint: where they are written down */
};

/* Housekeeping writes, the worker reads; what is "wanted" the worker clears. */
struct space_orders {
	_Atomic uint64_t budget_pages;
	_Atomic uint64_t other_pages; /* RssAnon beyond what is tracked: sampled */
	_Atomic bool evict_off; /* no eviction: no agent, or detaching */
	_Atomic bool gone; /* the process is gone, expect ESRCH */
	_Atomic bool adopt_wanted; /* something was registered */
	_Atomic bool fetch_wanted;
	_Atomic bool hinted; /* a region has had a hint */
	_Atomic bool stopped; /* every thread is stopped */
	_Atomic bool stop_failed; /* a thread may wait in the kernel for a fault */
	_Atomic bool stop_vain; /* little left the last time; it is not stopped for a while */
	_Atomic uint64_t quarantine_safe_ns; /* nobody was in madvise() since */
	uint64_t fill_cursor; /* FILLING: page number to go on from; the worker's from then on */
	/* An agent for a space that had none; NULL again when taken. */
	struct new_agent *_Atomic new_agent;
	pid_t new_agent_pid; /* while there is one */

	/* Forked child: the rest belongs to housekeeping until this, and then to the worker. */
	_Atomic bool identified;
	uint64_t parent_changes; /* the parent's map_changes at the fork: the worker's, at birth */
	struct run_list born_maps; /* what is registered, mapping by mapping */
	/* Or, with their flags: what is registered, WIPEONFORK left out [F8] */
	struct regions born_with;
	struct regions born_doubted; /* and of that: what may not have been inherited */
	uint64_t born_changes; /* map_changes of that */
};

/* The worker writes, anybody reads; what is "wanted" housekeeping clears. */
struct space_reports {
	_Atomic uint64_t nr_resident; /* RESIDENT and DETACHING */
	_Atomic uint64_t nr_detaching;
	_Atomic uint64_t nr_standby;
	_Atomic uint64_t nr_swapped;
	_Atomic uint64_t nr_lost;
	_Atomic uint64_t nr_reading; /* pages of reads in flight */
	_Atomic bool tracks_writes; /* by soft-dirty bits; no eviction any more */
	_Atomic bool area_full;
	_Atomic bool rescan_wanted; /* an unknown or changed mapping was seen */
	_Atomic bool stop_wanted; /* evicting needs every thread stopped */
	_Atomic bool told; /* housekeeping was, and has not looked since */
	_Atomic bool late; /* the agent does not answer, nobody waits for it */
	/* It does not let go, and events stay unread: asked first, and last; 0: it does. */
	_Atomic uint64_t unheld_since_ns;
	_Atomic uint64_t unheld_asked_ns;
	_Atomic bool dropping; /* they must stay stopped until it is not [F2] */
	_Atomic uint32_t orphans; /* forks whose child could not be taken on */
	/* Forked child. */
	_Atomic uint32_t first_tid; /* thread of its first fault, 0 none yet */
	_Atomic bool flags_wanted; /* born_maps do not tell enough */
	_Atomic bool has_copies; /* the pool is that of the fork, and no agent's */
};

/* The agent keeps others waiting (life/hung.c). */
struct space_hang {
	uint64_t since_ns; /* 0: it does not */
	uint64_t unheld_ns; /* of which time that it was asked this is */
	uint64_t idle_ns; /* since when it does not even want to run; 0: it does */
	uint64_t ran_ns; /* processor time that it had used by since_ns */
};

struct space_housekeeping {
	uint64_t search_at_ns; /* forked child, when to look for its process unasked */
	uint64_t search_pause_ns;
	uint64_t alive_at_ns; /* when the kernel is asked again whether it is */
	uint64_t sampled_ns;
	uint32_t nr_mappings; /* when they were last read */
	uint32_t nr_small; /* of them: small beside a registered neighbour */
	/* Of an agent that died with the daemon before this one; ctl_bytes 0: none. */
	struct inject_place left_behind;
	uint32_t orphans_said;
	uint64_t lost_said; /* of stats.lost */
	bool late_said;
	bool agent_watched; /* its end wakes housekeeping */
	struct pressure pressure; /* of stall */
	struct full full;
	struct space_hang hang;
};

struct space_worker {
	table_id_t root;
	uint32_t lineage; /* the same in all that came from one by fork, or 0 */
	uint32_t nr_writes; /* writes in flight */
	struct readahead readahead;
	struct strides strides;
	struct exit_pages exit_pages;

	struct fault_list deferred;
	uint32_t nr_waited_reads; /* reads in flight that a thread waits for */
	bool retry; /* look at deferred again now */
	uint64_t retry_at_ns; /* look at deferred again then; 0 never */
	bool revoke_wanted; /* a fault waits too long for a batch */
	bool starved; /* a fill met -ENOMEM: the target's cgroup is full */
	pgno_t zero_next; /* a first touch here doubles the zero window */
	uint32_t zero_window;

	bool readable; /* uffd may have messages */
	bool events_waiting; /* the event slot holds events not yet applied */
	bool changing; /* memory/change.h */
	bool draining; /* a fork waits for writes: nothing new is dirtied */
	bool closing; /* polls are being cancelled */
	uint64_t hold_at_ns; /* the agent did not let go: not again before */
	uint64_t hold_pause_ns;
	bool reread; /* reading failed for want of descriptors: again with the retry */
	bool scarce; /* a spare one was given up for what is read next */
	uint64_t scarce_since_ns; /* 0: there are descriptors */

	/* evict/copies.h */
	uint32_t nr_copies; /* as many as there were at first; 0: none any more */
	bool copies_wait; /* for its parent's writes: nothing is written */
	uint64_t copies_look_ns;
	uint64_t copies_until_ns; /* no longer */

	uint64_t write_backoff_ns; /* a write failed: no further one before */
	uint64_t write_pause_ns; /* for so long the last time */
	uint32_t write_single; /* a write failed: so many pages are written one by one */
	uint64_t evict_backoff_ns; /* nothing could be moved: not before */
	uint64_t evict_pause_ns; /* for so long the last time */
	uint64_t evictions_seen; /* then */
	bool evict_more; /* victims are still being looked for */
	uint32_t vain_batches; /* of which nothing left, one after the other */

	/* Forked child: put there since the fork, by no proof. */
	struct range_set born_touched;
	struct range_set born_silent; /* there nothing tells what was handed on */
	struct page_range handed[HANDED_MAX]; /* known to be handed on */
	uint32_t nr_handed; /* ever: the oldest gives way */
	bool moved; /* by mremap(), some of its memory; or it is not known any more */
};

/*
 * By who may touch what.  What has a contract of its own, in its header, stands
 * apart: range_job, where_job, agent, standby, growth, policy, quarantine.
 */
struct space {
	/* As it was made. */
	uint32_t id;
	uint32_t parent_id; /* fork: the space it came from, else 0 */
	int uffd;
	struct event_slot *events;
	struct space_process process;

	/*
	 * Protects phase and what is locked.  Held for look-ups and transitions, never
	 * across a system call.
	 */
	pthread_mutex_t lock;
	struct space_locked locked;
	_Atomic uint32_t phase; /* enum space_phase; read by anybody */

	struct space_orders orders;
	struct space_reports reports;
	struct space_housekeeping housekeeping;
	struct space_worker worker;

	struct range_job range_job; /* for the process: one range at a time */
	struct where_job where_job; /* for who asks about it: one look at a time */
	struct agent agent;
	struct standby standby;
	struct standby_growth growth;
	struct policy policy;
	struct quarantine quarantine; /* REMOVE was applied, the zap may be to come [F3] */
	struct space_stats stats;
	struct stall stall;
	struct space *next_closed; /* pager.h */
};

struct new_agent {
	struct agent agent;
	struct standby standby; /* no places: the space has one */
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
	return agent_present(&sp->agent) && !sp->orders.evict_off && !sp->reports.tracks_writes &&
	       !sp->reports.area_full && !sp->worker.evict_backoff_ns && !sp->reports.late &&
	       !sp->orders.gone;
}

static inline void space_count(_Atomic uint64_t *counter, uint64_t n)
{
	/* One writer: no locked instruction needed. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* Worker: what the program said of the memory at n.  Takes the lock only where it said something. */
enum region_hint space_hint(struct space *sp, pgno_t n);
/* Worker: a stream that is read in order has come to n. */
void space_leave_behind(struct space *sp, pgno_t n);

struct space *space_new(uint32_t id, int uffd, struct event_slot *events);
void space_free(struct space *sp);
void space_close_views(struct space *sp);
void space_latency(struct space *sp, pgno_t page, uint64_t begin_ns);

#endif
