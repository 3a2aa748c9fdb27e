/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STAT_ENDS_H
#define UPAGER_STAT_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What is counted of a process to its end, in the order in which it is shown. */
extern const struct ends_key {
	const char *key;
	const char *name;
	const char *what;
} ends_keys[];

#define ENDS_KEYS   16
#define ENDS_PLACES 64

struct ends_counts {
	uint64_t value[ENDS_KEYS];
	bool known[ENDS_KEYS]; /* what a kernel does not count is left out */
};

struct end {
	pid_t pid;
	char comm[64];
	struct ends_counts counts;
};

/* Where pages were copied, by name, of all processes; more than there is room for are [others]. */
struct ends_place {
	char name[64];
	uint64_t copies, bytes;
};

/* The ends of a program and its children, as /proc/upager/track tells them. */
struct ends {
	struct end *end;
	size_t nr, room;
	struct ends_counts sum;
	struct ends_place place[ENDS_PLACES];
	size_t nr_places;
	bool whole; /* the program itself is among them */
};

/*
 * Takes what was read, up to its last whole record, each of which is preceded by all that it adds
 * up: `process PID` begins one.  0 or -ENOMEM.
 */
int ends_parse(struct ends *ends, char *text, pid_t program);
void ends_fini(struct ends *ends);

#endif
