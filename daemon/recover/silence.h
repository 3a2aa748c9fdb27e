/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SILENCE_H
#define UPAGER_SILENCE_H

#include "pager.h"

/*
 * The daemon is dead: no agent moves anything any more, before an event is read
 * that would make what it was told stale [F1].  They are held, and stay so; one
 * that does not let go, or that drops pages of a program which runs again by
 * now [F2], is ended.  Needs nothing but the records: the keeper calls it.
 */
void silence_agents(struct pager *pg);

#endif
