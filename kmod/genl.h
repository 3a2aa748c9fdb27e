/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_GENL_H
#define _KMOD_GENL_H

#include "tracked.h"

int genl_init(void);
/* To those who listen, of what a socket tracks. */
void genl_announce(struct tracked *tracked, enum event_kind kind);
/* Waits for the commands in flight; nobody may announce any more. */
void genl_fini(void);

#endif /* _KMOD_GENL_H */
