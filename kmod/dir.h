/* SPDX-License-Identifier: GPL-2.0-only */
/* The directory of each tracked process, which comes and goes by itself, soon after its entry. */
#ifndef _KMOD_DIR_H
#define _KMOD_DIR_H

#include "tracked.h"

int dir_init(struct proc_dir_entry *root);
/* Waits until all directories are gone; the table is empty and stays so. */
void dir_fini(void);

/* Is told of each event. */
void dir_changed(struct tracked *tracked, enum event_kind kind);

/* Waits for what has happened, but not long: a stuck reader of a directory delays all others. */
void dir_settle(void);

#endif /* _KMOD_DIR_H */
