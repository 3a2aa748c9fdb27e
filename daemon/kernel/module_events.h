/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MODULE_EVENTS_H
#define UPAGER_MODULE_EVENTS_H

#include <stdint.h>
#include <sys/types.h>

#include "kernel/module.h"

/*
 * What the module announces of tracked processes.  A hint: some are lost when
 * more come than are read.
 */
struct module_events {
	struct nl_sock *sock; /* NULL: closed */
};

struct module_event {
	uint8_t cmd; /* UPAGER_CMD_FORK, _EXEC, _EXIT */
	pid_t pid;
	pid_t parent_pid; /* FORK */
};

typedef void (*module_event_fn)(void *context, const struct module_event *event);

int module_events_open(struct module_events *me);
void module_events_close(struct module_events *me);
/* For poll(); -1: closed. */
int module_events_fd(const struct module_events *me);
/* All that have come. */
void module_events_read(struct module_events *me, module_event_fn fn, void *context);

#endif
