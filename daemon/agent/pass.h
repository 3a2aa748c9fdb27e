/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PASS_H
#define UPAGER_PASS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/remote.h"

#define PASS_FDS_MAX 8

/*
 * Duplicates descriptors into a stopped process, close-on-exec, by way of a
 * pair of sockets made inside, which stays open there.
 * @pidfd: of @r's process
 * @scratch: a page that the process can write and nobody else uses
 * @inside: where they are in its table
 */
int pass_fds(struct remote *r, int pidfd, uint64_t scratch, const int *fd, int *inside, size_t nr,
	     char *cause);

#endif
