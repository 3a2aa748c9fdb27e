/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_REPORT_H
#define _KMOD_REPORT_H

struct mm_struct;
struct pid;
struct seq_file;
struct tracked;

/* The directory of a tracked process.  Removing waits for the calls in flight on its files. */
void report_dir_make(struct tracked *tracked);
void report_dir_remove(struct tracked *tracked);

/* Lines that several files begin with. */
void report_version_show(struct seq_file *m);
void report_process_show(struct seq_file *m, struct pid *pid);
void report_comm_show(struct seq_file *m, struct pid *pid);

/* Everything about a process that may be tracked or not. */
int report_show_all(struct seq_file *m, struct pid *pid, struct mm_struct *mm);

#endif /* _KMOD_REPORT_H */
