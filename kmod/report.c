// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "access.h"
#include "cow.h"
#include "holes.h"
#include "libs.h"
#include "proc.h"
#include "registry.h"
#include "report.h"

struct report_kind {
	const char *name;
	int (*show)(struct seq_file *m, struct mm_struct *mm, struct tracked *tracked);
};

/* An open file of a tracked process; it holds references on both. */
struct report {
	const struct report_kind *kind;
	struct tracked *tracked;
	struct mm_struct *mm;
};

void report_version_show(struct seq_file *m)
{
	seq_printf(m, "version %d\n", UPAGER_REPORT_VERSION);
}

void report_comm_show(struct seq_file *m, struct pid *pid)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_TGID);
	char comm[TASK_COMM_LEN] = "";

	if (task) {
		get_task_comm(comm, task);
		put_task_struct(task);
	}
	seq_escape(m, comm, "\n\\");
}

void report_process_show(struct seq_file *m, struct pid *pid)
{
	seq_printf(m, "pid %d\ncomm ", pid_nr_ns(pid, access_pid_ns(m->file)));
	report_comm_show(m, pid);
	seq_putc(m, '\n');
}

static int show_holes(struct seq_file *m, struct mm_struct *mm, struct tracked *tracked)
{
	return holes_show(m, mm);
}

static int show_libs(struct seq_file *m, struct mm_struct *mm, struct tracked *tracked)
{
	return libs_show(m, mm);
}

static int show_paging(struct seq_file *m, struct mm_struct *mm, struct tracked *tracked)
{
	paging_show(m, &tracked->paging);
	return 0;
}

static int show_summary(struct seq_file *m, struct mm_struct *mm, struct tracked *tracked)
{
	struct figures figures[FIGURES_NR_KINDS];
	int i, err;

	err = figures_collect(figures, mm, tracked);
	if (err)
		return err;
	report_process_show(m, tracked->pid);
	for (i = 0; i < FIGURES_NR_KINDS; i++)
		figures_show(m, &figures[i]);
	return 0;
}

int report_show_all(struct seq_file *m, struct pid *pid, struct mm_struct *mm)
{
	struct tracked *tracked = registry_get(pid);
	int err;

	report_process_show(m, pid);
	seq_printf(m, "tracked %d\n", !!tracked);
	err = holes_show(m, mm);
	if (!err)
		err = libs_show(m, mm);
	if (!err)
		err = cow_show(m, mm, tracked);
	if (!err && tracked)
		paging_show(m, &tracked->paging);
	if (tracked)
		tracked_put(tracked);
	return err;
}

static const struct report_kind kinds[] = {
	{ "summary", show_summary }, { "holes", show_holes },	{ "libs", show_libs },
	{ "cow", cow_show },	     { "paging", show_paging },
};

static int show(struct seq_file *m, void *unused)
{
	struct report *report = m->private;
	int err;

	if (!mmget_not_zero(report->mm))
		return -ESRCH;
	report_version_show(m);
	err = report->kind->show(m, report->mm, report->tracked);
	/* Not here, where the last to leave an address space would have it torn down. */
	mmput_async(report->mm);
	return err;
}

static int report_open(struct inode *inode, struct file *file)
{
	/* The directory holds a reference, and does not go before this returns. */
	struct tracked *tracked = proc_get_parent_data(inode);
	struct report *report = kzalloc(sizeof(*report), GFP_KERNEL);
	int err;

	if (!report)
		return -ENOMEM;
	report->kind = pde_data(inode);
	report->tracked = tracked;
	err = access_get_mm(file, tracked->pid, &report->mm);
	if (err)
		goto free_report;
	err = single_open(file, show, report);
	if (err)
		goto drop_mm;
	refcount_inc(&tracked->refs);
	return 0;

drop_mm:
	mmdrop(report->mm);
free_report:
	kfree(report);
	return err;
}

static int report_release(struct inode *inode, struct file *file)
{
	struct report *report = ((struct seq_file *)file->private_data)->private;

	mmdrop(report->mm);
	tracked_put(report->tracked);
	kfree(report);
	return single_release(inode, file);
}

static const struct proc_ops report_ops = {
	.proc_open = report_open,
	.proc_read_iter = seq_read_iter,
	.proc_lseek = seq_lseek,
	.proc_release = report_release,
};

static int make(struct tracked *tracked)
{
	char name[16];
	int i;

	snprintf(name, sizeof(name), "%d", pid_nr(tracked->pid));
	tracked->dir = proc_mkdir_data(name, 0555, proc_root(), tracked);
	if (!tracked->dir)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!proc_create_data(kinds[i].name, 0444, tracked->dir, &report_ops,
				      (void *)&kinds[i]))
			return -ENOMEM;
	return 0;
}

void report_dir_make(struct tracked *tracked)
{
	if (make(tracked))
		pr_warn_ratelimited("no memory for the files of process %d, which is tracked\n",
				    pid_nr(tracked->pid));
}

void report_dir_remove(struct tracked *tracked)
{
	proc_remove(tracked->dir);
}
