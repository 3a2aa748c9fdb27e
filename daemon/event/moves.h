/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MOVES_H
#define UPAGER_MOVES_H

#include "pager.h"

/*
 * What mremap() moved lately, and what that tells of events that come late.
 *
 * mremap() moves and unmaps its source in one go, then tells REMAP, and only when
 * that was read the UNMAP of the source (mm/mremap.c).  What is there by then is
 * another thread's, who has moved something into the hole: its pages must not be
 * dropped.  The source was emptied by the REMAP already, so that its UNMAP has
 * nothing to say.  Not so after MREMAP_DONTUNMAP, which has no such UNMAP: what
 * comes then is a real one.
 *
 * And what mremap() brought somewhere stays there, whatever an event says that
 * was raised by who had been there before.
 */
struct stays {
	bool late; /* it is an UNMAP of a moved mapping's old place */
	uint32_t nr;
	struct page_range at[MOVES_MAX]; /* sorted, disjoint */
};

/* sure: nothing is mapped where it was any more, so that it was no MREMAP_DONTUNMAP. */
struct moved {
	uint64_t from;
	uint64_t end;
	uint64_t to;
	uint64_t bytes; /* from there, as far as it moved */
	bool sure;
};

/* A REMAP is applied.  Kept in the state file: a later daemon may read what comes late. */
void moves_note(struct space *sp, struct moved m);
/* Whether this UNMAP is that of a moved mapping's old place, still to be told of. */
bool moves_expect(struct pager *pg, struct space *sp, uint64_t start, uint64_t end);
/* It is, and is not expected any more. */
void moves_came(struct space *sp, uint64_t start, uint64_t end);

/* What is known of events that were read and are not applied yet. */
struct moves_log {
	/* One brings something there. */
	bool (*comes)(const struct moves_log *log, uint64_t start, uint64_t end);
	/* The UNMAP of what was moved from there is among them. */
	bool (*came)(const struct moves_log *log, uint64_t from);
	bool pressed; /* the slot is full, so that the kernel's answer cannot be waited for */
};

/*
 * What of [start, end) stays though an event says that it went, because it came
 * after that.  False: the kernel does not say yet.
 */
bool moves_that_stay(const struct space *sp, uint64_t start, uint64_t end,
		     const struct moves_log *log, struct stays *stays);
/* What stays apart, [start, end) went. */
void moves_went(struct space *sp, uint64_t start, uint64_t end);

/* From *at on, the next part of what does not stay: true, with its end, and *at behind it. */
bool stays_next(const struct stays *stays, uint64_t *at, uint64_t end, struct page_range *part);

#endif
