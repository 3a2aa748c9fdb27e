/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TAKEOVER_H
#define UPAGER_TAKEOVER_H

#include "life/proc.h"
#include "pager.h"

/*
 * How a process becomes paged and ceases to be: agent placed, mappings
 * registered, and both undone.  May wait for the target; the housekeeping thread.
 */

/*
 * Places the agent and makes the space. On error the target is as before; -EAGAIN: no thread
 * of it could be stopped now.
 */
int takeover_begin(struct pager *pg, struct proc *p, char text[UPAGER_TEXT_BYTES]);
/* Gives a fork's child, which is served already, an agent of its own. */
int takeover_place_agent(struct pager *pg, struct proc *p, char text[UPAGER_TEXT_BYTES]);
/* Registers what can be paged and is not yet. */
int takeover_register(struct pager *pg, struct proc *p);
/*
 * After the worker has filled everything: unregisters, removes the agent and
 * tells the worker to let go.
 */
int takeover_end(struct pager *pg, struct proc *p, char text[UPAGER_TEXT_BYTES]);
/* The files of /proc that the worker and housekeeping look into. */
int takeover_open_views(struct space *sp, const struct proc *p);

#endif
