/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELF_H
#define UPAGER_SELF_H

#include "control/self_rescan.h"
#include "life/housekeeping.h"

/*
 * A process that pages ranges of its own.  It makes its userfaultfd and starts
 * its agent itself, as it is told; nothing of it is traced or stopped.  What it
 * sends is not trusted: a process can harm none but itself.  None of these waits
 * for it, but that the agent is removed as by a detach.  The housekeeping thread.
 */
struct self_peer {
	pid_t pid;
	uid_t uid;
	int pidfd; /* of the process that pid was when it connected; -1 unknown */
};

/* One that is on its way to be known, from JOIN to the agent's first sign of life. */
struct self_join;

/*
 * Makes the peer known, or sets its budget (0: all memory, or as it is) if it is.
 * *join: what it has to do for that, told by *provision and fd[UPAGER_PROVISION_FDS],
 * which the caller closes; NULL: nothing, it is paged already.
 * -EAGAIN: a moment later; -EOPNOTSUPP: not with this kernel.
 */
int self_join(struct housekeeping *h, const struct self_peer *peer, uint64_t budget_bytes,
	      struct self_join **join, struct upager_provision *provision, int *fd,
	      char text[UPAGER_TEXT_BYTES]);
/* It has mapped what it was told; *uffd, -1 if it was given, is taken (-1 then). */
int self_provisioned(struct housekeeping *h, struct self_join *join, uint64_t addr, uint64_t nrs,
		     int *uffd, char text[UPAGER_TEXT_BYTES]);
/* The agent runs; *agent_pidfd is taken. */
int self_started(struct self_join *join, int *agent_pidfd, char text[UPAGER_TEXT_BYTES]);
/* -EINPROGRESS until the agent works, or does not. 0: the process is known, join is gone. */
int self_ready(struct housekeeping *h, struct self_join *join, char text[UPAGER_TEXT_BYTES]);
/* True when it takes too long. */
bool self_is_late(const struct self_join *join);
/* Instead: as if it had never asked. */
void self_abort(struct housekeeping *h, struct self_join *join);

/*
 * The process behind a connection, if it is known and can be asked for now.
 * NULL with *err: -ESRCH not known, -EAGAIN a moment later.
 */
struct proc *self_find(struct housekeeping *h, const struct self_peer *peer, int *err);
/* Pages a range. -ENOMEM not all of it is mapped, -EINVAL cannot be paged, -EBUSY is another's. */
int self_register(struct housekeeping *h, struct proc *p, uint64_t addr, uint64_t bytes,
		  char text[UPAGER_TEXT_BYTES]);
/* Starts to bring everything in; then, when the range job is FETCHED, and then FORGOTTEN. */
int self_unregister(struct housekeeping *h, struct proc *p, uint64_t addr, uint64_t bytes,
		    char text[UPAGER_TEXT_BYTES]);
/* False: it is fetched once more. */
bool self_unregister_fetched(struct housekeeping *h, struct proc *p);
int self_unregister_forgotten(struct housekeeping *h, struct proc *p, char text[UPAGER_TEXT_BYTES]);
/* Lets go of a process that has no range registered any more. */
int self_release_idle(struct housekeeping *h, struct proc *p, char text[UPAGER_TEXT_BYTES]);
/* Has the worker bring a range in; the range job must be NONE. */
void self_range_job(struct housekeeping *h, struct proc *p, pgno_t first, pgno_t end);
/* Whether all of a range is known to be paged; looks again if not. */
bool self_knows(struct housekeeping *h, struct proc *p, pgno_t first, pgno_t end);

#endif
