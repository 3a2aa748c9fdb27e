/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_KEEPER_NAME_H
#define UPAGER_KEEPER_NAME_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The file "keeper.pid": the daemon, and its keeper, whose descriptors are the ones that the
 * state tells of.  Of two that are there while a new daemon takes over it is
 * the one that counts: replacing the file is what takes over.
 */
int keeper_name(int dir_fd, pid_t pid);
/* Whether the daemon that named it has ended, so that its keeper will let go. */
bool keeper_named_is_orphan(int dir_fd);
bool keeper_named_is(int dir_fd, pid_t pid);
/* A pidfd of it; -ESRCH: there is none. */
int keeper_named_open(int dir_fd);

#endif
