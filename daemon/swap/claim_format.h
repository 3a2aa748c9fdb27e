/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CLAIM_FORMAT_H
#define UPAGER_CLAIM_FORMAT_H

#include <stdint.h>

#include "base/types.h"

/*
 * The file claims.<uuid> of an area that several pagers share, in the state
 * directory of the first, mapped shared by all of them:
 *
 *   page 0     struct claim_header
 *   then       an owner for every chunk of slots (slot_state_format.h); 0: nobody
 *
 * Native byte order: it never leaves the machine.
 */
#define CLAIM_MAGIC   0x4d4c435245474150ULL /* "PAGERCLM" */
#define CLAIM_VERSION 1

struct claim_header {
	uint64_t magic;
	uint32_t version;
	uint32_t zero;
	uint64_t nr_chunks;
	/* Never more than there are: who takes one counts first, who drops one counts then. */
	_Atomic int64_t nr_free;
};

struct claim_file {
	union {
		struct claim_header header;
		uint8_t page[PAGE_SIZE];
	};
	_Atomic uint32_t owner[];
};

_Static_assert(sizeof(struct claim_header) == 32, "fixed layout");
_Static_assert(sizeof(struct claim_file) == PAGE_SIZE, "fixed layout");

#endif
