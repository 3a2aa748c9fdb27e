/* SPDX-License-Identifier: GPL-2.0-only */
/* What happens in tracepoints, where nobody may wait, told in order by a work that may. */
#ifndef _KMOD_EVENTS_H
#define _KMOD_EVENTS_H

#include "tracked.h"

/* Is told of each event, from the work; the entry is there until it returns. */
void events_init(void (*tell)(struct tracked *tracked, enum event_kind kind));
/* From any context, with the caller's reference; each kind at most once of an entry. */
void events_add(struct tracked *tracked, enum event_kind kind);
/* Waits until what was added is told. */
void events_flush(void);

#endif /* _KMOD_EVENTS_H */
