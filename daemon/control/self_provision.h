/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELF_PROVISION_H
#define UPAGER_SELF_PROVISION_H

#include "life/proc.h"
#include "pager.h"

/* A process on its way to be paged by itself: what it is given, and what it made of that. */
struct self_join {
	pid_t pid;
	uid_t uid;
	struct proc *p; /* child: housekeeping's, else ours */
	struct space *sp; /* child: the one that it has, else ours, SPACE_NEW */
	bool child; /* of a fork: it has a userfaultfd */
	struct new_agent *new_agent; /* child only */
	struct agent *agent; /* the space's or the new_agent's */
	uint64_t budget_bytes; /* 0: none was named */
	uint64_t deadline_ns;
	uint32_t grip_pages;
	struct self_join *next;
	bool provisioned; /* staging is registered, the control page filled in */
};

/* The one that its agent will write. */
const struct standby *self_provision_pool(const struct self_join *join);
/* What the process has to map.  The caller closes fd[UPAGER_PROVISION_FDS], -1 where none. */
int self_provision_tell(struct self_join *join, struct upager_provision *provision, int *fd,
			char text[UPAGER_TEXT_BYTES]);
/*
 * It is mapped at addr: looks whether that and the userfaultfd are the
 * process's own, registers staging and fills in the control page.
 */
int self_provision_check(struct pager *pg, struct self_join *join, uint64_t addr, uint64_t nrs,
			 int *uffd, char text[UPAGER_TEXT_BYTES]);

#endif
