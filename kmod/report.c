// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include "access.h"
#include "holes.h"
#include "libs.h"
#include "registry.h"
#include "report.h"
#include "sums.h"

/* What a file has, besides sums: who it is about, whether that is tracked, each hole and object. */
#define WHO	   BIT(4)
#define IS_TRACKED BIT(5)
#define LISTS	   BIT(6)
#define PLACES	   BIT(7)
#define ALL	   (SUMS_HOLES | SUMS_LIBS | SUMS_COW | SUMS_PAGING | WHO)

/* A place between two records. */
struct cursor {
	enum {
		AT_SUMS,
		AT_HOLES,
		AT_OBJECTS,
		AT_END
	} at;
	unsigned long addr;
	unsigned int number; /* of the last record of its kind */
	unsigned int nr_holes; /* up to there; of objects: in the space as a whole */
	unsigned int nr_holes_below;
};

/* An open file; protected by the lock of its seq_file. */
struct report {
	unsigned int parts;
	struct pid *pid;
	struct mm_struct *mm; /* counted by mm_count: to keep the file open keeps no memory */
	/* Where the seq_file's position is, and where it goes when what was shown is taken. */
	struct cursor here;
	struct cursor next;
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

static int show_sums(struct seq_file *m, struct report *report)
{
	struct tracked *tracked = registry_get(report->pid, 0);
	struct figures figures = {};
	struct task_struct *task;
	int err;

	/* What belongs to an entry goes with it; memory may go later. */
	if (!tracked && !(report->parts & IS_TRACKED))
		return -ESRCH;
	task = get_pid_task(report->pid, PIDTYPE_TGID);
	err = sums_collect(&figures, report->parts, task, report->mm, tracked);
	report_version_show(m);
	if (report->parts & WHO) {
		seq_printf(m, "pid %d\ncomm ", pid_nr_ns(report->pid, access_pid_ns(m->file)));
		report_comm_show(m, report->pid);
		seq_putc(m, '\n');
	}
	if (report->parts & IS_TRACKED)
		seq_printf(m, "tracked %d\n", !!tracked);
	figures_show(m, &figures);
	if (tracked && report->parts & PLACES)
		places_show(m, &tracked->places);
	if (tracked)
		tracked_put(tracked);
	if (task)
		put_task_struct(task);
	report->next.nr_holes = figures.values[FIGURE_HOLES_COUNT];
	report->next.at = report->parts & LISTS ? AT_HOLES : AT_END;
	return err;
}

/* The first hole from here on, or SEQ_SKIP. */
static int show_hole(struct seq_file *m, struct report *report)
{
	struct step step = { .end = report->here.addr };
	int err = 0;

	report->next.at = AT_OBJECTS;
	report->next.addr = 0;
	report->next.number = 0;
	if (!(report->parts & SUMS_HOLES))
		return SEQ_SKIP;
	err = mmap_read_lock_killable(report->mm);
	while (!err && step_next(report->mm, &step)) {
		if (step_has_hole(&step)) {
			report->next.at = AT_HOLES;
			report->next.addr = step.end;
			report->next.number = report->here.number + 1;
			holes_show(m, report->mm, &step, report->next.number);
			mmap_read_unlock(report->mm);
			return 0;
		}
		err = walk_yield(report->mm);
	}
	if (err)
		return err;
	mmap_read_unlock(report->mm);
	return SEQ_SKIP;
}

/* Likewise the first object. */
static int show_object(struct seq_file *m, struct report *report)
{
	struct object object = {
		.end = report->here.addr,
		.nr_holes_to_end = report->here.nr_holes_below,
	};
	int err;

	report->next.at = AT_END;
	if (!(report->parts & SUMS_LIBS))
		return SEQ_SKIP;
	err = mmap_read_lock_killable(report->mm);
	if (!err)
		err = object_next(report->mm, &object);
	if (err)
		return err;
	mmap_read_unlock(report->mm);
	if (!object.file)
		return SEQ_SKIP;
	report->next.at = AT_OBJECTS;
	report->next.addr = object.end;
	report->next.nr_holes_below = object.nr_holes_to_end;
	report->next.number = report->here.number + 1;
	err = object_show(m, report->mm, &object, report->next.number, report->here.nr_holes);
	object_put(&object);
	return err;
}

static void *seq_start(struct seq_file *m, loff_t *pos)
{
	struct report *report = m->private;

	/* Nothing was asked yet. */
	if (!report->pid)
		return ERR_PTR(-EINVAL);
	if (!*pos)
		report->here = (struct cursor){};
	return report->here.at == AT_END ? NULL : report;
}

static void *seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct report *report = v;

	++*pos;
	report->here = report->next;
	return report->here.at == AT_END ? NULL : report;
}

static void seq_stop(struct seq_file *m, void *v)
{
}

static int (*const show[])(struct seq_file *m, struct report *report) = {
	[AT_SUMS] = show_sums, [AT_HOLES] = show_hole, [AT_OBJECTS] = show_object
};

static int seq_show(struct seq_file *m, void *v)
{
	struct report *report = v;
	int err;

	if (!mmget_not_zero(report->mm))
		return -ESRCH;
	report->next = report->here;
	err = show[report->here.at](m, report);
	/* Not here, where the last to leave an address space would have it torn down. */
	mmput_async(report->mm);
	return err;
}

static const struct seq_operations seq_ops = {
	.start = seq_start,
	.next = seq_next,
	.stop = seq_stop,
	.show = seq_show,
};

static const struct kind {
	const char *name;
	umode_t mode;
	unsigned int parts;
} kinds[] = {
	{ "summary", 0444, ALL },
	{ "holes", 0444, SUMS_HOLES | LISTS },
	/* Each object says which holes it lies between. */
	{ "libs", 0444, SUMS_LIBS | LISTS },
	{ "cow", 0444, SUMS_COW | PLACES },
	{ "paging", 0444, SUMS_PAGING },
}, query = { "query", 0666, ALL | LISTS | IS_TRACKED | PLACES };

/* A directory holds its pid, and does not go before this returns; `query` has none. */
static int report_open(struct inode *inode, struct file *file)
{
	const struct kind *kind = pde_data(inode);
	struct pid *pid = kind == &query ? NULL : proc_get_parent_data(inode);
	struct report *report;
	struct mm_struct *mm = NULL;
	int err;

	err = pid ? access_get_mm(file, pid, &mm) : 0;
	if (err)
		return err;
	report = __seq_open_private(file, &seq_ops, sizeof(*report));
	if (!report) {
		if (mm)
			mmdrop(mm);
		return -ENOMEM;
	}
	report->parts = kind->parts;
	report->pid = get_pid(pid);
	report->mm = mm;
	return 0;
}

static void forget(struct report *report)
{
	if (!report->pid)
		return;
	put_pid(report->pid);
	mmdrop(report->mm);
}

static int report_release(struct inode *inode, struct file *file)
{
	forget(((struct seq_file *)file->private_data)->private);
	return seq_release_private(inode, file);
}

static ssize_t query_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct seq_file *m = file->private_data;
	struct report *report = m->private, former;
	struct mm_struct *mm;
	struct pid *pid;
	bool minus;
	int err;

	if (pde_data(file_inode(file)) != &query)
		return -EIO;
	pid = access_read_pid(file, from, count, &minus);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	err = minus ? -ESRCH : access_get_mm(file, pid, &mm);
	if (err) {
		put_pid(pid);
		return err;
	}
	mutex_lock(&m->lock);
	former = *report;
	report->pid = pid;
	report->mm = mm;
	/* Of the former answer nothing is to be read any more. */
	m->index = 0;
	m->count = 0;
	m->read_pos = 0;
	mutex_unlock(&m->lock);
	forget(&former);
	*pos = 0;
	return count;
}

static const struct proc_ops report_ops = {
	.proc_open = report_open,
	.proc_read_iter = seq_read_iter,
	.proc_write = query_write,
	.proc_lseek = seq_lseek,
	.proc_release = report_release,
};

static int make(struct proc_dir_entry *dir, const struct kind *kind)
{
	return proc_create_data(kind->name, kind->mode, dir, &report_ops, (void *)kind) ? 0
											: -ENOMEM;
}

int report_query_make(struct proc_dir_entry *root)
{
	return make(root, &query);
}

int report_files_make(struct proc_dir_entry *dir)
{
	int i, err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(kinds); i++)
		err = make(dir, &kinds[i]);
	return err;
}
