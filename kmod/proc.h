/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_PROC_H
#define _KMOD_PROC_H

struct proc_dir_entry;

/* Makes /proc/upager; NULL: no memory. */
struct proc_dir_entry *proc_init(void);
/* Waits for the calls in flight. */
void proc_fini(void);

#endif /* _KMOD_PROC_H */
