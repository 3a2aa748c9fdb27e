// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may look at a process.
 *
 * What the kernel asks before it shows /proc/PID/maps is not exported to modules, so that file is
 * opened, and procfs applies ptrace access, security modules, hidepid and pid namespaces.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "access.h"
#include "compat.h"

struct pid_namespace *access_pid_ns(const struct file *file)
{
	return proc_pid_ns(file_inode(file)->i_sb);
}

struct pid *access_find_pid(s64 nr, struct pid_namespace *ns)
{
	struct pid *pid;

	if (nr <= 0 || nr > INT_MAX)
		return NULL;
	rcu_read_lock();
	pid = get_pid(find_pid_ns(nr, ns));
	rcu_read_unlock();
	return pid;
}

struct pid *access_read_pid(const struct file *file, const char __user *from, size_t count,
			    bool *minus)
{
	struct pid *pid;
	char text[32];
	int number;

	if (!count || count >= sizeof(text))
		return ERR_PTR(-EINVAL);
	if (copy_from_user(text, from, count))
		return ERR_PTR(-EFAULT);
	text[count] = 0;
	/* What follows a zero byte would not be looked at. */
	if (strlen(text) != count || kstrtoint(strim(text), 10, &number))
		return ERR_PTR(-EINVAL);
	*minus = number < 0;
	pid = access_find_pid(abs((s64)number), access_pid_ns(file));
	return pid ?: ERR_PTR(-ESRCH);
}

static int open_maps(const struct file *file, struct pid *pid)
{
	struct vfsmount *mnt = file->f_path.mnt;
	struct path root = { .mnt = mnt, .dentry = mnt->mnt_root };
	struct file *maps;
	char name[32];
	int err = 0;

	/* A bind mount of a part of procfs has no processes in it. */
	if (root.dentry != root.dentry->d_sb->s_root)
		return -ENOENT;
	snprintf(name, sizeof(name), "%d/maps", pid_nr_ns(pid, access_pid_ns(file)));
	maps = file_open_root(&root, name, O_RDONLY, 0);
	if (IS_ERR(maps))
		return PTR_ERR(maps);
	/* In a mount namespace of one's own, any other file can be mounted over this one. */
	if (maps->f_path.mnt != mnt)
		err = -EACCES;
	fput(maps);
	return err;
}

/* As the kernel has it for another process: of the same user, with no more rights, and dumpable. */
static bool owns(const struct cred *cred, struct task_struct *task, struct mm_struct *mm)
{
	const struct cred *its;
	bool same;

	rcu_read_lock();
	its = __task_cred(task);
	same = uid_eq(cred->euid, its->euid) && uid_eq(cred->euid, its->suid) &&
	       uid_eq(cred->euid, its->uid) && gid_eq(cred->egid, its->egid) &&
	       gid_eq(cred->egid, its->sgid) && gid_eq(cred->egid, its->gid) &&
	       cred->user_ns == its->user_ns &&
	       cap_issubset(its->cap_permitted, cred->cap_permitted);
	rcu_read_unlock();
	return same && compat_is_dumpable(task, mm);
}

bool access_has_all(const struct file *file)
{
	return file_ns_capable(file, &init_user_ns, CAP_SYS_PTRACE);
}

/*
 * The opener is asked and not the writer, or a privileged program could be made to write a number
 * into its standard output.  Nothing stands between a process and its own maps, so if that number
 * is its own, the question is answered here.
 */
static int check(const struct file *file, struct task_struct *task, struct pid *pid,
		 struct mm_struct *mm)
{
	const struct cred *old;
	int err;

	if (same_thread_group(task, current) && !owns(file->f_cred, task, mm) &&
	    !access_has_all(file))
		return -EACCES;
	old = override_creds(file->f_cred);
	err = open_maps(file, pid);
	revert_creds(old);
	return err;
}

/*
 * A process never comes back to an address space that it left: if it has the same one before and
 * after the check, that is the one that was checked.  It is of the leader, which the check is made
 * with: maps of a leader that has ended opens for everybody.
 */
int access_get_mm(const struct file *file, struct pid *pid, struct mm_struct **mm)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_TGID);
	int err = -ESRCH;

	if (!task)
		return -ESRCH;
	*mm = get_task_mm(task);
	if (!*mm)
		goto put_task;
	mmgrab(*mm);
	mmput_async(*mm);
	err = check(file, task, pid, *mm);
	if (!err && READ_ONCE(task->mm) != *mm)
		err = -ESRCH;
	if (err)
		mmdrop(*mm);
put_task:
	put_task_struct(task);
	return err;
}

int access_check(const struct file *file, struct pid *pid)
{
	struct mm_struct *mm;
	int err;

	if (access_has_all(file))
		return 0;
	err = access_get_mm(file, pid, &mm);
	if (!err)
		mmdrop(mm);
	return err;
}

int access_get_users(struct sk_buff *skb, struct pid *pid, struct mm_struct **mm)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_TGID);
	int err = 0;

	if (!task)
		return -ESRCH;
	*mm = get_task_mm(task);
	if (!*mm)
		err = -ESRCH;
	else if (!owns(current_cred(), task, *mm) && !netlink_capable(skb, CAP_SYS_PTRACE))
		err = -EPERM;
	if (err == -EPERM)
		mmput_async(*mm);
	put_task_struct(task);
	return err;
}
