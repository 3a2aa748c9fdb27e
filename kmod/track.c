// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include "access.h"
#include "dir.h"
#include "registry.h"
#include "report.h"
#include "sums.h"
#include "track.h"
#include "tracking.h"

/* An open file; its seq_file's lock protects the process that is shown next. */
struct track {
	struct owner *owner;
	struct tracked *shown;
};

static DECLARE_WAIT_QUEUE_HEAD(ends);
static struct proc_dir_entry *entry;
static bool stopping;

/* Whether one of its processes has ended, or none is left that could. */
static bool is_ready(struct owner *owner, bool *none_left)
{
	bool ended;

	raw_spin_lock(&owner_lock);
	ended = !list_empty(&owner->ended);
	*none_left = list_empty(&owner->claims) || READ_ONCE(stopping);
	raw_spin_unlock(&owner_lock);
	return ended || *none_left;
}

static void *seq_start(struct seq_file *m, loff_t *pos)
{
	struct track *track = m->private;
	bool more;

	if (!track->shown)
		track->shown = registry_take_ended(track->owner, &more);
	return track->shown;
}

static void *seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct track *track = m->private;

	++*pos;
	tracked_put(track->shown);
	track->shown = NULL;
	return seq_start(m, pos);
}

/* What was not taken yet is shown again. */
static void seq_stop(struct seq_file *m, void *v)
{
}

static int seq_show(struct seq_file *m, void *v)
{
	struct figures figures = {};
	struct tracked *tracked = v;

	if (!m->index)
		report_version_show(m);
	seq_printf(m, "process %d\ncomm ", pid_nr_ns(tracked->pid, access_pid_ns(m->file)));
	seq_escape(m, tracked->comm, "\n\\");
	seq_putc(m, '\n');
	sums_count(&figures, tracked);
	figures_show(m, &figures);
	places_show(m, &tracked->places);
	return 0;
}

static const struct seq_operations seq_ops = {
	.start = seq_start,
	.next = seq_next,
	.stop = seq_stop,
	.show = seq_show,
};

/* To open it only for writing, as echo does, is to track until that is taken back. */
static int track_open(struct inode *inode, struct file *file)
{
	struct track *track;

	if (!(file->f_mode & FMODE_READ))
		return access_has_all(file) ? 0 : -EPERM;
	track = __seq_open_private(file, &seq_ops, sizeof(*track));
	if (!track)
		return -ENOMEM;
	track->owner = owner_new(OWNER_FILE, access_has_all(file) ? NULL : file->f_cred);
	if (track->owner)
		return nonseekable_open(inode, file);
	seq_release_private(inode, file);
	return -ENOMEM;
}

static struct track *track_of(const struct file *file)
{
	return file->private_data ? ((struct seq_file *)file->private_data)->private : NULL;
}

static ssize_t track_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct track *track = track_of(iocb->ki_filp);
	bool none_left = false;
	ssize_t n;

	for (;;) {
		n = seq_read_iter(iocb, to);
		if (n || none_left || !iov_iter_count(to))
			return n;
		if (is_ready(track->owner, &none_left))
			continue;
		if (iocb->ki_filp->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(ends, is_ready(track->owner, &none_left)))
			return -ERESTARTSYS;
	}
}

static __poll_t track_poll(struct file *file, poll_table *wait)
{
	struct track *track = track_of(file);
	bool ready, none_left;

	poll_wait(file, &ends, wait);
	if (!track)
		return EPOLLOUT;
	ready = is_ready(track->owner, &none_left);
	return (ready ? EPOLLIN : 0) | (none_left ? EPOLLHUP : 0) | EPOLLOUT;
}

static ssize_t track_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct track *track = track_of(file);
	struct owner *owner = track ? track->owner : NULL;
	struct pid *pid;
	bool minus;
	int err;

	pid = access_read_pid(file, from, count, &minus);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	if (minus)
		err = tracking_remove(pid, owner);
	else
		err = access_check(file, pid) ?: tracking_add(pid, owner);
	put_pid(pid);
	/* Who asked for it can look at once. */
	if (!err)
		dir_settle();
	return err ?: count;
}

static int track_release(struct inode *inode, struct file *file)
{
	struct track *track = track_of(file);

	if (!track)
		return 0;
	if (track->shown)
		tracked_put(track->shown);
	registry_leave(track->owner);
	owner_free(track->owner);
	return seq_release_private(inode, file);
}

static const struct proc_ops track_ops = {
	.proc_open = track_open,
	.proc_read_iter = track_read,
	.proc_poll = track_poll,
	.proc_write = track_write,
	.proc_lseek = noop_llseek,
	.proc_release = track_release,
};

int track_init(struct proc_dir_entry *root)
{
	entry = proc_create("track", 0666, root, &track_ops);
	return entry ? 0 : -ENOMEM;
}

void track_fini(void)
{
	WRITE_ONCE(stopping, true);
	track_wake();
	proc_remove(entry);
}

void track_wake(void)
{
	wake_up_all(&ends);
}
