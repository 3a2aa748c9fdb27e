/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AGENT_POSTS_FORMAT_H
#define UPAGER_AGENT_POSTS_FORMAT_H

#include <stdint.h>

#include "agent/agent_abi.h"
#include "base/types.h"

/*
 * What the daemon told an agent, in the state file: the control page can be
 * written by the target.  A post is complete before the control page shows it.
 */
struct agent_post {
	uint32_t nr_runs;
	uint32_t nr_pages;
	uint32_t mode; /* enum agent_mode */
	uint32_t unheld; /* AGENT_MOVE: what somebody holds without a page table stays */
	uint64_t posted_ns; /* CLOCK_MONOTONIC */
	struct {
		struct run run;
		uint32_t staging_first;
		uint32_t place; /* first place in the pool */
	} at[AGENT_RUNS_MAX];
};

struct agent_posts {
	_Atomic uint32_t posted;
	_Atomic uint32_t settled; /* all before are, and the oldest of the others may be in part */
	struct agent_post post[AGENT_BATCHES]; /* post n is post[n % AGENT_BATCHES] */
	uint8_t reserved[8192 - 8 - AGENT_BATCHES * sizeof(struct agent_post)];
};

_Static_assert(sizeof(struct run) == 16, "fixed layout");
_Static_assert(sizeof(struct agent_post) == 24 + 24 * AGENT_RUNS_MAX, "fixed layout");
_Static_assert(sizeof(struct agent_posts) == 8192, "fixed layout");

#endif
