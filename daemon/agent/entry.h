/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AGENT_ENTRY_H
#define UPAGER_AGENT_ENTRY_H

#include <linux/filter.h>

#include "agent/agent_abi.h"

/*
 * The agent's code is the section upager_agent: it refers to nothing outside of
 * itself, so a copy of it runs at any address.  The linker gives the bounds.
 */
extern const char __start_upager_agent[];
extern const char __stop_upager_agent[];

/* The agent's code has no constants of its own; pointers are the target's addresses. */
struct agent_start {
	struct sock_fprog filter; /* installed as the last act of set-up */
	char name[16];
	char root[2];
};

/* First and only call into the agent: a stack of its own, all signals blocked. */
__attribute__((noreturn)) void agent_entry(struct agent_ctl *ctl, const struct agent_start *start);

#endif
