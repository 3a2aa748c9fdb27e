/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SUCCESSION_H
#define UPAGER_SUCCESSION_H

#include "pager.h"

/*
 * Which daemon has the state directory.  Two locks:
 *
 *   lock         held as long as anything is kept: shared by a daemon, its
 *                keeper and the daemons that take over;
 *   daemon.lock  held by a living daemon alone.  The keeper lets go of a dead
 *                daemon's, when the kernel says that its last thread is gone and
 *                the agents are silent; while it reads events it has the lock
 *                itself.  So who has it neither robs a living daemon, nor is
 *                disturbed by the keeper.
 *
 * A daemon that finds `lock` held and gets daemon.lock takes over: it copies
 * the keeper's descriptors, at the same numbers, so that what the state says
 * holds for both; restores; starts a keeper of its own, which the file
 * keeper.pid names from then on; and ends the old one.  Until keeper.pid is
 * replaced the old keeper has everything, and nothing happened.
 */
struct succession {
	int keeper_pidfd; /* -1: nobody was there before */
	int lock_fd;
};

/*
 * Opens the directory and takes its locks; sets pg->inherited when it is to be
 * taken over, with the descriptors at their numbers.  What is wrong is logged.
 */
int succession_begin(struct succession *su, struct pager *pg, const char *path);
/* The areas are open: a header for a state that begins, else which areas are new. */
int succession_record(const struct succession *su, struct pager *pg);
/* What is in pg->area[i] by now, or was; the next daemon has it as that kind. */
void succession_record_area(struct pager *pg, uint32_t i, enum state_area kind);
/* The socket that clients have queued at meanwhile; -1: none. */
int succession_listen_fd(const struct pager *pg);
void succession_record_listen_fd(struct pager *pg, int fd);
/* keeper.pid names our keeper: the old one goes. */
void succession_end(struct succession *su);

#endif
