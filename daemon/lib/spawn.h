/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBUPAGER_SPAWN_H
#define LIBUPAGER_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Starts code in a process that shares the memory and nothing else, and which
 * this process never sees or reaps: the child of an intermediate one that ends
 * at once.  All signals are blocked in it.
 */
struct spawn {
	void (*entry)(void *, void *); /* never returns */
	void *arg[2];
	char *stack; /* its lower half is the intermediate's */
	size_t stack_bytes;
};

/* The pid, or -errno. */
pid_t spawn_orphan(struct spawn *sp);

#endif
