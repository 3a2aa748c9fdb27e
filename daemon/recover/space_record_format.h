/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SPACE_RECORD_FORMAT_H
#define UPAGER_SPACE_RECORD_FORMAT_H

#include <stdint.h>

#include "agent/inject.h"

/*
 * What must be known of a space when the daemon has died: one record per space
 * id in the state file.  The descriptors are numbers in the table that the
 * daemon shares with its keeper; -1: none.
 */
struct space_facts {
	int32_t pool_fd;
	int32_t ctl_fd;
	int32_t event_fd;
	int32_t agent_pidfd;
	int32_t pagemap_fd;
	int32_t maps_fd;
	int32_t task_dir_fd;
	int32_t mem_fd;
	int32_t pid; /* 0 unknown */
	int32_t agent_pid; /* 0 none */
	uint32_t root; /* table id */
	uint32_t parent_id;
	uint32_t lineage;
	uint32_t forked; /* 1: the process is not known, or not what it inherited */
	uint32_t by_itself;
	uint32_t family;
	uint32_t pool_places;
	uint32_t weight;
	uint32_t asked_by;
	int32_t parent_pid; /* forked: of parent_id's at the fork */
	uint64_t budget_bytes; /* of the terms */
	uint64_t budget_pages; /* what it could have resident just then */
	struct inject_place place;
	uint64_t parent_changes; /* forked: of the parent then */
	uint64_t reserved[3];
};

/*
 * Written into the copy that is not current, which is switched by one store.
 * uffd is stored after that when a space is made, and cleared first when it
 * ends: a record with uffd >= 0 is complete.
 */
struct space_record {
	_Atomic int32_t uffd; /* -1: no space */
	_Atomic uint32_t current;
	/* What housekeeping has registered for a moment, see life/ask.h; 0 bytes: nothing. */
	_Atomic uint64_t asked_addr;
	_Atomic uint64_t asked_bytes;
	_Atomic uint64_t map_changes; /* stored before an event counts as applied */
	_Atomic uint64_t hinted; /* 1: the space has a list in the file of hints */
	_Atomic int32_t ward; /* userfaultfd of recover/ward.h's, whose id this is; 0: none */
	uint32_t zero;
	struct space_facts facts[2];
};

_Static_assert(sizeof(struct inject_place) == 64, "fixed layout");
_Static_assert(sizeof(struct space_facts) == 192, "fixed layout");
_Static_assert(sizeof(struct space_record) == 432, "fixed layout");

static inline const struct space_facts *space_record_facts(const struct space_record *rec)
{
	return &rec->facts[rec->current & 1];
}

#endif
