/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HINT_RECORD_H
#define UPAGER_HINT_RECORD_H

#include "memory/region.h"

/*
 * Which ranges of a space have a hint, for the next daemon: a pin is a promise.
 * Written, as a space's record is, into the copy that is not current.  Under the
 * space's lock.
 */
#define HINTS_MAX 1023
/* Of them, so that a pinned range of which parts are unmapped has room for the rest. */
#define PINS_MAX  512

struct hint_record {
	_Atomic uint64_t current;
	struct hint_list {
		uint64_t nr;
		struct {
			uint64_t first;
			uint64_t end_hint; /* end << 8 | enum region_hint */
		} at[HINTS_MAX];
	} list[2];
	uint64_t zero;
};

_Static_assert(sizeof(struct hint_record) == 32768, "whole pages");

/* Nobody has a hint. */
void hint_record_clear(struct hint_record *rec);
/* Of more than there is room for the pinned ones come first. */
void hint_record_save(struct hint_record *rec, const struct regions *rs);
/* They are known, with their hints: -ENOMEM, or -EBADMSG for what cannot be one. */
int hint_record_restore(const struct hint_record *rec, struct regions *rs);

#endif
