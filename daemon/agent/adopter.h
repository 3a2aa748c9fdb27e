/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ADOPTER_H
#define UPAGER_ADOPTER_H

#include <stdint.h>

#include "agent/remote.h"
#include "agent/target.h"

/*
 * Who would adopt the agent?  It is born in the PID namespace of its target and
 * an orphan at once; where that makes it a child of a program that waits for
 * its own children, wait() there hangs, and then tells of one that was never
 * started.  -EOPNOTSUPP with a cause.
 */

/* Before anything is stopped: the first process of its namespace, or a worker of that. */
int adopter_check(const struct target_thread *th, char *cause);
/*
 * The thread that is to make the agent: one that called unshare(CLONE_NEWPID)
 * would make the first process of a namespace.  It is stopped.
 */
int adopter_check_birth(const struct remote *thread, char *cause);
/* The target itself is a subreaper. @scratch: an int in its memory that nothing else uses. */
int adopter_check_subreaper(struct remote *thread, uint64_t scratch, char *cause);

#endif
