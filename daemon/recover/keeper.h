/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_KEEPER_H
#define UPAGER_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "pager.h"

/*
 * The keeper: a tiny process that shares the daemon's descriptor table and
 * nothing else, made before anything worth keeping is opened.  When the daemon
 * dies every userfaultfd, pool and area stays open there, those that a fork
 * event installed an instant before included; so programs wait instead of
 * reading zeros.  While no daemon lives it reads events into the event slots of
 * the state file, because an unread fork event stops forks of other programs
 * too [F15], and stands back for a daemon that takes over.  It ends when no paged
 * process is left, here or with another pager below (others.h).
 */
int keeper_start(struct pager *pg);
/* Whether that process is this daemon's keeper. */
bool keeper_is(pid_t pid);
/* Readable when the keeper is dead; another one is started then. */
int keeper_watch_fd(void);
void keeper_look_after(struct pager *pg);
/* At the end, unless something is still paged. */
void keeper_dismiss(const struct pager *pg);

#endif
