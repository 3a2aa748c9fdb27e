/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_WAITING_H
#define UPAGER_WAITING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What a thread is about, without stopping it, and what it would notice of a
 * stop: a stop ends a wait in a system call as a signal does, and what the call
 * then returns is not always hidden by its restart.
 */
enum notice {
	NOTICE_NOTHING, /* in its own code, or in a call that goes on where it was */
	NOTICE_LATE, /* the call goes on, but a time limit begins anew, or a wake-up shows */
	NOTICE_EARLY, /* the call returns early: with less than it would, or EINTR */
	NOTICE_UNKNOWN, /* as EARLY; and the call may be one that changes mappings */
};

struct waiting {
	bool runs; /* or is about to: in its own code or in a call, nobody knows */
	bool asleep; /* in a wait that signals end */
	bool deaf; /* the signal of trap.h is blocked */
	long nr; /* system call, -1: in none */
	uint64_t arg[6];
	uint64_t pc; /* where it returns to */
	enum notice notice; /* unless it runs */
	bool limited; /* NOTICE_LATE for a time limit that it is known to have */
};

/* -ESRCH: it has ended, or is ending. */
int waiting_look(pid_t tid, struct waiting *w);
/* Whether it is in the same wait. */
bool waiting_same(const struct waiting *a, const struct waiting *b);

const char *waiting_name(long nr);

/*
 * Whether call nr answers EINTR to a mere stop after it has done nothing, so
 * that it can be made again.
 */
bool waiting_repeatable(long nr);

#endif
