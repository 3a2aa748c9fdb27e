/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_EVENT_H
#define _KMOD_EVENT_H

#include "uapi/upager.h"

struct genl_family;

/* Before anything is armed. */
void event_start(const struct genl_family *family);

/* Sends an event if somebody listens; does not sleep.  A parent_pid of 0 is left out. */
void event_send(enum upager_cmd event, int pid, int parent_pid);

#endif /* _KMOD_EVENT_H */
