// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include "access.h"
#include "proc.h"
#include "registry.h"
#include "report.h"
#include "track.h"

static struct proc_dir_entry *root;

/* Positions in `processes` are pids, and 0 the header: entries may come and go between reads. */
static void *processes_find(loff_t *pos)
{
	int nr = *pos;
	struct tracked *tracked = registry_next(&nr);

	if (tracked)
		*pos = nr;
	return tracked;
}

static void *processes_start(struct seq_file *m, loff_t *pos)
{
	return *pos ? processes_find(pos) : SEQ_START_TOKEN;
}

static void processes_stop(struct seq_file *m, void *v)
{
	if (v && v != SEQ_START_TOKEN)
		tracked_put(v);
}

static void *processes_next(struct seq_file *m, void *v, loff_t *pos)
{
	processes_stop(m, v);
	++*pos;
	return processes_find(pos);
}

/* To who opened the file, as hidepid= and pid namespaces have it. */
static bool is_visible(const struct file *file, struct tracked *tracked)
{
	struct mm_struct *mm;

	if (file_ns_capable(file, &init_user_ns, CAP_SYS_PTRACE))
		return true;
	if (access_get_mm(file, tracked->pid, &mm))
		return false;
	mmdrop(mm);
	return true;
}

static int processes_show(struct seq_file *m, void *v)
{
	struct tracked *tracked = v;
	pid_t nr;

	if (v == SEQ_START_TOKEN) {
		report_version_show(m);
		seq_puts(m, "pid copies reuses_without_copy forks children comm\n");
		return 0;
	}
	nr = pid_nr_ns(tracked->pid, access_pid_ns(m->file));
	if (!nr || !is_visible(m->file, tracked))
		return SEQ_SKIP;
	seq_printf(m, "%d %llu %llu %llu %llu ", nr, tracked_read(tracked, FIGURE_COPIES),
		   tracked_read(tracked, FIGURE_REUSES_WITHOUT_COPY),
		   tracked_read(tracked, FIGURE_FORKS), tracked_read(tracked, FIGURE_CHILDREN));
	report_comm_show(m, tracked->pid);
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations processes_ops = {
	.start = processes_start,
	.next = processes_next,
	.stop = processes_stop,
	.show = processes_show,
};

/* Directories have numbers of the initial pid namespace, of all: only root may list them. */
struct proc_dir_entry *proc_init(void)
{
	root = proc_mkdir_mode("upager", 0711, NULL);
	if (!root)
		return NULL;
	if (track_init(root) || !proc_create_seq("processes", 0444, root, &processes_ops) ||
	    report_query_make(root)) {
		proc_remove(root);
		return NULL;
	}
	return root;
}

void proc_fini(void)
{
	proc_remove(root);
}
