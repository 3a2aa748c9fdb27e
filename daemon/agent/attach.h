/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ATTACH_H
#define UPAGER_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/inject.h"
#include "agent/provision.h"
#include "agent/remote.h"

/* The helper's part of inject_attach(). */
struct attach {
	pid_t pid;
	uid_t owner; /* 0: anybody */
	bool any; /* thread of it may be stopped, also one that notices */
	uint64_t uffd_features;
	struct provision provision; /* descriptors and unprivileged by the caller */
	struct remote agent;
	int agent_pidfd;
	int uffd;
	uint64_t stopped_ns;
};

/*
 * The agent runs, but dies with this process until attach_commit().  On error
 * everything is undone.
 */
int attach_begin(struct attach *at, char *cause);
int attach_commit(struct attach *at);
void attach_abort(struct attach *at);

#endif
