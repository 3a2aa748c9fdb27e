/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_ACCESS_H
#define _KMOD_ACCESS_H

#include <linux/types.h>

struct file;
struct mm_struct;
struct pid;
struct pid_namespace;
struct sk_buff;

/* The pid namespace of the procfs of a file: numbers are read and shown in it. */
struct pid_namespace *access_pid_ns(const struct file *file);

/* Returns a reference, or NULL if there is none. */
struct pid *access_find_pid(s64 nr, struct pid_namespace *ns);

/*
 * The same for a number that is written to a file, with white space around it, and with a minus or
 * not.  An error if there is none.
 */
struct pid *access_read_pid(const struct file *file, const char __user *from, size_t count,
			    bool *minus);

/*
 * Gets the address space of a process if its /proc/PID/maps opens for who opened the file: with a
 * reference on mm_count, for a file that is kept open must not keep the memory.  -ESRCH: none, or
 * another by now; else the error of opening maps.
 */
int access_get_mm(const struct file *file, struct pid *pid, struct mm_struct **mm);

/* Whether who opened a file has CAP_SYS_PTRACE over all, as root of a container has not. */
bool access_has_all(const struct file *file);

/* The same question as access_get_mm() answers, but 0 at once for who has that. */
int access_check(const struct file *file, struct pid *pid);

/*
 * Gets the address space for who sent a netlink message, with a reference on mm_users.  -ESRCH or
 * -EPERM.
 */
int access_get_users(struct sk_buff *skb, struct pid *pid, struct mm_struct **mm);

#endif /* _KMOD_ACCESS_H */
