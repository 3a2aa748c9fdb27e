/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SAY_H
#define UPAGER_SAY_H

#include <sys/types.h>

#include "life/housekeeping.h"

/* As a process calls itself, "?" if it is gone; nothing in it looks like another message. */
void say_comm(pid_t pid, char comm[16]);

/* That it is paged, or watched, from now on; that it was given back. */
void say_begin(const struct proc *p);
void say_end(const struct proc *p);

/* What the worker has met with and may not write down itself, each not too often. */
void say_all(struct housekeeping *h, uint64_t now_ns);

/* When it begins to serve: what is missing for that a stop is never noticed. */
void say_breakpoints(const struct pager *pg);

#endif
