// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
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
	/* As hidepid= and pid namespaces have it. */
	if (!nr || access_check(m->file, tracked->pid))
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
