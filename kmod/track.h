/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/upager/track: what an open one tracks ends with it, and is read of when it has ended. */
#ifndef _KMOD_TRACK_H
#define _KMOD_TRACK_H

struct proc_dir_entry;

/* 0 or -ENOMEM. */
int track_init(struct proc_dir_entry *root);
/* Sends readers away, closes all and waits for the calls in flight. */
void track_fini(void);

/* A tracked process has ended or is not tracked any more. */
void track_wake(void);

#endif /* _KMOD_TRACK_H */
