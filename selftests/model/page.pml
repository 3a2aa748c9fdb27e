/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page of a program, from the daemon's side and from the kernel's; README.rst says
 * what each step stands for.  What is read is what was written, and nobody waits for
 * ever, whatever dies when.
 *
 * At DIES the daemon may: between any two stores to the state directory, or calls.  What
 * the program and the agent do in between, neither sees nor is seen, so it comes before
 * or after.
 */
#ifndef OPS
#define OPS 1 /* what the program does to its memory */
#endif
#ifndef READS
#define READS 0 /* of its other thread */
#endif
#ifndef KILLS
#define KILLS 1 /* the agent may die, too */
#endif
#ifndef CRASHES
#define CRASHES 1 /* of the daemon */
#endif
/* What is built in, by its number in $BUILT_IN: it takes long to compile this. */
#define DROP_FIRST    (built_in == 1) /* before the write is over */
#define LOSE_EVENT    (built_in == 2) /* with the daemon that read it */
#define REPLAY_ALL    (built_in == 3) /* of a REMAP, from the start */
#define NO_HOLD	      (built_in == 4) /* MOVE between reading and applying [F1] */
#define NO_STRAYS     (built_in == 5) /* what a dead daemon writes to is used again [F5] */
#define LOSE_STAGING  (built_in == 6) /* of a dead agent, where an event waits */

#define NONE	9
#define CHILD	2 /* entries of the child: those of its parent, and so many */
#define ENTRIES 4
#define RING	3

/* Contents of a page, of staging, of the pool, of a slot. */
#define ABSENT 0
#define ZEROS  1 /* what the program wrote is above */

mtype = { VIRGIN, RESIDENT, DETACHING, STANDBY, SWAPPED, LOST };
mtype = { NOTHING, REMOVE, UNMAP, REMAP, FORK };
mtype = { IDLE, POSTED, COPIED, REVOKED, WITHDRAWN };
mtype = { FREE, TAKEN, DIRTY, WRITING, CLEAN, ORPHAN };

/* ---- the kernel and the program ---- */

byte mem[ENTRIES];
byte want[ENTRIES]; /* what it last wrote */
byte home; /* address of its mapping: 0 or 1 */
byte child_home = NONE;
bit zapping; /* REMOVE was raised, and is not done */
bit fault[ENTRIES]; /* somebody waits for this page */
mtype unread = NOTHING; /* as long as it is, COPY, ZEROPAGE and MOVE fail */
byte unread_at;
byte version = ZEROS + 1;
byte nr_running = 2; /* of those that may wait for the daemon */

#define IS_MAPPED(i) ((i) < CHILD && (i) == home || (i) >= CHILD && (i) - CHILD == child_home)
#define MAY_FILL(i)  ((i) >= CHILD || unread == NOTHING)
#define IS_RIGHT(i)  (mem[i] == want[i] || (i) < CHILD && zapping && mem[i] == ZEROS)

/* ---- the device: what was submitted lands, whoever died meanwhile.  0: no slot ---- */

byte slot_has[3];
byte landing[3]; /* 0: no write is in flight */

/* ---- the state directory ---- */

mtype state[ENTRIES] = VIRGIN;
bit dirty[ENTRIES];
byte slot[ENTRIES];
byte checksum[3];
bit recorded[3]; /* writes in flight */
byte pool[2]; /* a place for each space */
bit child_known;
mtype event[RING] = NOTHING;
byte event_at[RING];
bit cleared; /* progress of event[0], a REMAP */
byte nr_events;
bit posted; /* a batch of one page */
byte post_at;

/* ---- the control page, and the agent ---- */

mtype phase = IDLE;
bit moved, gone, done;
bit hold, busy, agent_dead;
byte staging;

/* ---- the daemon's own memory ---- */

mtype place[2] = FREE;
byte place_page[2];
bit writes[3];
byte write_space[3];
byte read_slot, read_page;
bit stray[3];
byte nr_evictions;
byte nr_crashes;
byte built_in;
byte evictions = 1;
bit in_memory; /* events are there only: of a fault that is built in */

/* Within a step. */
hidden byte filled, took, known, present, told, asked, was_copied;
hidden byte n, to;

#define DIES                                            \
	if                                              \
	:: true                                         \
	:: nr_crashes < CRASHES -> goto crash           \
	fi

#define SPACE(i)     ((i) / CHILD)
#define NAMES(i, s)  (slot[i] == s && ((i) < CHILD || child_known))
#define SLOT_USED(s) (NAMES(0, s) || NAMES(1, s) || NAMES(2, s) || NAMES(3, s) || \
		      writes[s] || stray[s] || read_slot == s)

#include "program.pml"
#include "events.pml"
#include "serve.pml"
#include "recover.pml"

init
{
	atomic {
		c_code {
			now.built_in = getenv("BUILT_IN") ? atoi(getenv("BUILT_IN")) : 0;
			now.evictions = getenv("EVICTIONS") ? atoi(getenv("EVICTIONS")) : 1;
		};
		/* It was written once. */
		mem[0] = version;
		want[0] = version;
		state[0] = RESIDENT;
		run program();
		run reader();
		run device();
		run agent();
		run daemon();
		run agents_fate()
	}
}
