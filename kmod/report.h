/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reports as they are read: the sums, then a record for each hole and each object, found by the
 * address at which the last one ended.  Nothing is held between two reads but who it is about.
 */
#ifndef _KMOD_REPORT_H
#define _KMOD_REPORT_H

struct pid;
struct proc_dir_entry;
struct seq_file;

/* Lines that several files begin with. */
void report_version_show(struct seq_file *m);
void report_comm_show(struct seq_file *m, struct pid *pid);

/* The files of a tracked process, whose struct pid is the data of @dir.  0 or -ENOMEM. */
int report_files_make(struct proc_dir_entry *dir);

/* `query`: a report about whoever is asked for; -EINVAL is read until then.  0 or -ENOMEM. */
int report_query_make(struct proc_dir_entry *root);

#endif /* _KMOD_REPORT_H */
