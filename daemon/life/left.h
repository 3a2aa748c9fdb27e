/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_LEFT_H
#define UPAGER_LEFT_H

#include "pager.h"

/*
 * Says of each program that is still paged why, and ends the process as SIGKILL would:
 * the keeper has what they need, and they wait where they need the daemon until another
 * one comes.  Any thread's.
 */
_Noreturn void left_behind(struct pager *pg);
/* Has that happen after so long, should this thread itself be made to wait by one of them. */
void left_limit_start(struct pager *pg, uint64_t limit_ns);

#endif
