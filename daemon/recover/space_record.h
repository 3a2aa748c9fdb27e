/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SPACE_RECORD_H
#define UPAGER_SPACE_RECORD_H

#include <stdint.h>

/*
 * What must be known of a space when the daemon has died: one record per space
 * id in the state file.  The descriptors are numbers in the table that the
 * daemon shares with its keeper.  uffd is stored last when a space is made and
 * cleared first when it ends, so a record with uffd >= 0 is complete.
 */
struct space_record {
	_Atomic int32_t uffd; /* -1: no space */
	int32_t pool_fd; /* -1: none */
	int32_t ctl_fd;
	int32_t event_fd;
	int32_t pid; /* 0 unknown */
	int32_t agent_pid; /* 0 none */
	uint32_t root; /* table id */
	uint32_t parent_id;
	uint64_t budget_pages;
	uint64_t staging_addr;
	uint64_t staging_bytes;
	uint64_t reserved[8];
};

#endif
