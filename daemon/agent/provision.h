/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PROVISION_H
#define UPAGER_PROVISION_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/agent_abi.h"
#include "agent/realtime.h"
#include "agent/inject.h"
#include "agent/remote.h"

/*
 * What the agent's process, stopped before its first instruction, is given:
 * mappings, descriptors, a userfaultfd.  All of it is done by calls in that
 * process; the program's own table is never touched.
 */
enum provision_fd {
	PASSED_CTL,
	PASSED_CODE,
	PASSED_POOL,
	PASSED_EVENT,
	PASSED_GRIP,
	PASSED_DEVICE, /* /dev/userfaultfd if unprivileged, or the uffd itself if given; last */
	__PASSED_MAX,
};

struct provision {
	bool unprivileged;
	uint64_t hint; /* where to map the place, 0: anywhere */
	bool uffd_given; /* the address space has one already */
	int fd[__PASSED_MAX]; /* ctl, pool and event by the caller */
	uint32_t grip_pages;
	struct agent_ctl *ctl;
	struct remote *agent;
	int agent_pidfd;
	struct realtime before; /* the end of its real-time priority */
	int inside[__PASSED_MAX]; /* in the agent's table */
	struct inject_place place; /* zero while nothing is mapped */
};

/* Opens and maps what the caller did not.  The helper's end closes it. */
int provision_open(struct provision *o, char *cause);
/* Maps all of the place.  The program must not fork() meanwhile. */
int provision_map(struct provision *o, char *cause);
int provision_unmap(struct provision *o);
/* Then: makes the userfaultfd, fills the control page and starts the agent's code. */
int provision_start(struct provision *o, char *cause);

#endif
