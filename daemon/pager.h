/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PAGER_H
#define UPAGER_PAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "fault/fault_list.h"
#include "kernel/module.h"
#include "kernel/uffd.h"
#include "memory/space.h"
#include "memory/table.h"
#include "recover/space_record_format.h"
#include "recover/state_header_format.h"
#include "recover/unserved.h"
#include "swap/area.h"
#include "swap/area_job.h"
#include "swap/slot.h"
#include "swap/store.h"
#include "swap/trouble.h"

/* As many processes as a kernel has, mostly; tables for them are made as they come. */
#define SPACES_MAX  65536u
#define FAULTS_MAX  32768u
#define SPARES_MAX  8u
#define REFUSED_MAX EVENTS_BATCH

/* memory/kept.c's. */
struct kept {
	uint32_t id; /* of the space that the hand is in */
	pgno_t hand;
	bool going; /* slots are short: until enough are free, or it went round */
	bool found; /* some since it began to go round */
	uint64_t rest_until_ns; /* it went round and found none */
};

/* In the state file, by space id, with room for nr_room: what outlives the daemon. */
struct pager_state {
	struct event_slot *events;
	struct space_record *records;
	struct agent_posts *posts; /* pager_posts() */
	struct hint_record *hints; /* pager_hints() */
	struct state_header *header;
	uint32_t nr_room;
	uint32_t nr_wards; /* recover/ward.h: that are to be taken on */
	bool inherited; /* it is that of a daemon that died */
	struct unserved unserved;
};

struct pager_worker {
	struct store *store;
	struct fault_nodes faults;
	struct reads *reads; /* in flight */
	struct writeback *writeback; /* writes in flight */
	struct drain *drain; /* or NULL: no area is to go */
	struct kept kept;
	uint32_t nr_copies; /* of all spaces, see evict/copies.h */
	bool look_at_all; /* the loop, at all spaces, quiet or not */
	int refused[REFUSED_MAX]; /* of children that are refused, still to be closed */
	uint32_t nr_refused;
	uint32_t nr_stalled; /* spaces whose stall runs */
};

/* What all spaces share. */
struct pager {
	/* Set at start. */
	struct trouble trouble;
	uint32_t fds_max; /* descriptors that this process may have */
	struct uffd_caps caps;
	bool soft_dirty; /* the kernel has soft-dirty bits */
	bool spares_held; /* MADV_PAGEOUT leaves pages that somebody holds [F12] */
	int state_dir_fd;
	int daemon_lock_fd; /* held as long as this daemon lives, see recover/succession.h */
	int module_fd; /* -1, or readable when the module announces something: wakes housekeeping */
	int worker_fd; /* eventfd: wakes the worker */
	int housekeeping_fd; /* eventfd: wakes housekeeping */

	struct pager_worker worker;
	struct pager_state state;
	struct stall stall; /* of any program */

	/* With locks of their own. */
	uint32_t nr_areas; /* housekeeping: holes count, too */
	struct area area[AREAS_MAX];
	struct area_job area_job;
	struct slots *slots;
	struct tables *tables;

	pthread_mutex_t record_lock; /* who writes a record */
	/*
	 * Protects space[], nr_ids, nr_room, closed and spare_fd[].  The worker adds the children of
	 * forks, housekeeping all others; the worker alone takes spaces out of
	 * space[], so what it finds there stays valid for it.
	 */
	pthread_mutex_t lock;
	struct space *space[SPACES_MAX]; /* by id; 0 is never used */
	_Atomic uint32_t nr_ids; /* above all ids in use */
	struct space *closed; /* the worker has let go of them; housekeeping frees */
	int spare_fd[SPARES_MAX];

	/* The worker's, or NULL: who holds a page besides page tables.  Housekeeping offers one. */
	struct module *_Atomic pinned;
	_Atomic bool housekeeping_sleeps; /* for long: the first fault wakes it */
	_Atomic uint32_t stop; /* the worker leaves its loop */
	_Atomic uint64_t turns; /* of the worker's loop: it lives */
	/* Userfaultfd that a call of the worker's, or of housekeeping's, is at; -1: none. */
	_Atomic int worker_at;
	_Atomic int housekeeping_at;
};

/* Maps the event slots, records and posts, which the keeper shares. */
int pager_map_state(struct pager *pg);
/* Where the agent of a space has its posts; NULL: no room for them. */
struct agent_posts *pager_posts(struct pager *pg, uint32_t id);

/* Where the hints of a space are written down; NULL: no room for them. */
struct hint_record *pager_hints(struct pager *pg, uint32_t id);

/*
 * Descriptors that are held for the time when there are no more: a fork event
 * needs one to be read, and as long as it is unread nothing can be filled [F19].
 */
void pager_spares_refill(struct pager *pg);
/* Gives one back to the system; false: none is left. */
bool pager_spare_use(struct pager *pg);

/*
 * What it has there now, to be read once: the worker takes spaces out at any time.
 * For housekeeping it stays valid, because it frees them.
 */
static inline struct space *pager_space(const struct pager *pg, uint32_t id)
{
	return __atomic_load_n(&pg->space[id], __ATOMIC_ACQUIRE);
}

bool pager_has_spaces(const struct pager *pg);
/* Housekeeping: whether the process is an agent. */
bool pager_is_agent(const struct pager *pg, pid_t pid);

void pager_kick_worker(struct pager *pg);
void pager_kick_housekeeping(struct pager *pg);

/* A new space with that id, 0: a free one; NULL: there are SPACES_MAX, or no memory is left. */
struct space *pager_add_space(struct pager *pg, int uffd, uint32_t id);
/* Writes what the next daemon must know of it; again after each change of that. */
void pager_record_space(struct pager *pg, struct space *sp);
/* The same, with an agent that the worker has not taken yet. */
void pager_record_agent(struct pager *pg, struct space *sp, const struct agent *ag);
/* Worker: the space is out of reach from now on, but for pager_next_closed(). */
void pager_close_space(struct pager *pg, struct space *sp);
/* Housekeeping: one of those, to be freed with space_free(); NULL: none. */
struct space *pager_next_closed(struct pager *pg);

#endif
