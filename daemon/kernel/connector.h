/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CONNECTOR_H
#define UPAGER_CONNECTOR_H

#include <linux/cn_proc.h>

/*
 * The kernel's proc connector: tells every fork of the machine, to root in the
 * initial pid and network namespaces (drivers/connector/cn_proc.c).
 */

/* A socket that listens, not blocking; or -errno. */
int connector_open(void);
void connector_close(int fd);
/* 1 and the next event; 0 none has come; -ENOBUFS some were lost; -errno. */
int connector_read(int fd, struct proc_event *event);

#endif
