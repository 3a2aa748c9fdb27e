// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include "access.h"
#include "proc.h"
#include "dir.h"
#include "registry.h"
#include "report.h"
#include "tracking.h"

static struct proc_dir_entry *root;

struct proc_dir_entry *proc_root(void)
{
	return root;
}

static int parse(const char __user *from, size_t count, int *number)
{
	char text[32];

	if (!count || count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = 0;
	/* What follows a zero byte would not be looked at. */
	if (strlen(text) != count || kstrtoint(strim(text), 10, number))
		return -EINVAL;
	return 0;
}

static ssize_t track_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct pid *pid;
	int number, err;

	/* There is one table for all: root of a container must not fill it. */
	if (!file_ns_capable(file, &init_user_ns, CAP_SYS_PTRACE))
		return -EPERM;
	err = parse(from, count, &number);
	if (err)
		return err;
	pid = access_find_pid(abs((s64)number), access_pid_ns(file));
	if (!pid)
		return -ESRCH;
	err = number < 0 ? tracking_remove(pid, 0) : tracking_add(pid, 0);
	put_pid(pid);
	/* Who asked for it can look at once. */
	if (!err)
		dir_settle();
	return err ?: count;
}

static const struct proc_ops track_ops = {
	.proc_write = track_write,
	.proc_lseek = noop_llseek,
};

/* Positions in `processes` are pids, and 0 the header: entries may come and go between reads. */
static void *processes_find(loff_t *pos)
{
	unsigned long nr = *pos;
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
	if (!nr)
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

static int query_open(struct inode *inode, struct file *file)
{
	return report_query_open(file);
}

static ssize_t query_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	int number, err;

	err = parse(from, count, &number) ?: report_query_ask(file, number);
	if (err)
		return err;
	*pos = 0;
	return count;
}

static const struct proc_ops query_ops = {
	.proc_open = query_open,
	.proc_read_iter = seq_read_iter,
	.proc_write = query_write,
	.proc_lseek = seq_lseek,
	.proc_release = report_release,
};

/* Only root learns which processes others have: hidepid= may hide them. */
int proc_init(void)
{
	root = proc_mkdir_mode("upager", 0711, NULL);
	if (!root)
		return -ENOMEM;
	if (!proc_create("track", 0600, root, &track_ops) ||
	    !proc_create_seq("processes", 0400, root, &processes_ops) ||
	    !proc_create("query", 0666, root, &query_ops)) {
		proc_remove(root);
		return -ENOMEM;
	}
	return 0;
}

void proc_fini(void)
{
	proc_remove(root);
}
