/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_UNTRUSTED_FD_H
#define UPAGER_UNTRUSTED_FD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Descriptors that clients sent, which may be anything: a file of a file system
 * that never answers, for example.  Until one is known to be what it should be
 * nothing is done with it that could wait.
 */

/* Made by userfaultfd(), or by USERFAULTFD_IOC_NEW. */
bool untrusted_fd_is_uffd(int fd);
/* -1: none. */
void untrusted_fd_close(int fd);
/*
 * The same of several, in one thread if need be; going, unless NULL, is one more
 * until that has ended.
 */
void untrusted_fds_close(const int *fd, uint32_t nr, _Atomic uint32_t *going);
/*
 * Until what is being closed is, for 50 ms at most: who forks now has all of it, too,
 * and may be the last to close it, without being interrupted.
 */
void untrusted_fds_await(void);

#endif
