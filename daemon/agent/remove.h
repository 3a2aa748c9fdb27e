/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_REMOVE_H
#define UPAGER_REMOVE_H

#include <sys/types.h>

#include "agent/inject.h"

/* The helper's part of inject_remove().  @agent_pidfd -1: there is no agent. */
int remove_agent(pid_t pid, pid_t agent_pid, int agent_pidfd, const struct inject_place *place,
		 char *cause);

/* What a dead agent left in the address space of @pid; 0 also if nothing. */
int remove_by_thread(pid_t pid, const struct inject_place *place, char *cause);

#endif
