/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_UNTRUSTED_FD_H
#define UPAGER_UNTRUSTED_FD_H

#include <stdbool.h>

/*
 * Descriptors that clients sent, which may be anything: a file of a file system
 * that never answers, for example.  Until one is known to be what it should be
 * nothing is done with it that could wait.
 */

/* Made by userfaultfd(), or by USERFAULTFD_IOC_NEW. */
bool untrusted_fd_is_uffd(int fd);
void untrusted_fd_close(int fd);

#endif
