/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_DISPATCH_H
#define UPAGER_DISPATCH_H

#include <poll.h>

#include "control/sessions.h"

/* The control socket: who may ask what, and who answers that. */
void sessions_fini(struct sessions *ss, const char *path);
/* Before everything is given back: no process becomes known any more. */
void sessions_give_up_joins(struct sessions *ss);
/* Whether one waits for something that housekeeping does. */
bool sessions_wait(const struct sessions *ss);
/* Fills pollfd entries; their number, at most SESSIONS_MAX + 1. */
uint32_t sessions_poll(const struct sessions *ss, struct pollfd *pfd);
/* Handles what is readable and answers what is over. */
void sessions_handle(struct sessions *ss, struct housekeeping *h);

#endif
