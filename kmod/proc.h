/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_PROC_H
#define _KMOD_PROC_H

struct proc_dir_entry;

int proc_init(void);
/* Waits for the calls in flight. */
void proc_fini(void);

/* /proc/upager */
struct proc_dir_entry *proc_root(void);

#endif /* _KMOD_PROC_H */
