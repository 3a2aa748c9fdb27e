/* SPDX-License-Identifier: GPL-2.0-only */
/* What is written to a file: a number, with white space around it. */
#ifndef _KMOD_NUMBER_H
#define _KMOD_NUMBER_H

#include <linux/kstrtox.h>
#include <linux/string.h>
#include <linux/uaccess.h>

/* 0, -EINVAL or -EFAULT. */
static inline int number_read(const char __user *from, size_t count, int *number)
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

#endif /* _KMOD_NUMBER_H */
