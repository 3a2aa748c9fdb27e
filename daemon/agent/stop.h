/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STOP_H
#define UPAGER_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/halt.h"

/* The helper's part of inject_stop_begin(): all that is stopped, or is to be. */
struct stop {
	pid_t agent_pid;
	uint64_t begin_ns;
	struct halt *thread;
	size_t nr_threads;
	size_t nr_found; /* ever */
	bool many; /* there was not time for all */
	bool ended; /* some ended meanwhile */
	pid_t *group; /* thread groups that share the memory */
	size_t nr_groups;
	pid_t *process; /* seen in /proc, in ascending order: sharers or not */
	size_t nr_processes;
};

/* On error some may be stopped: stop_end() is due in any case. */
int stop_begin(struct stop *st, pid_t pid, pid_t agent_pid, char *cause);
/* False: some thread is traced until this process ends. */
bool stop_end(struct stop *st);

#endif
