/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_LATE_UNMAP_H
#define UPAGER_LATE_UNMAP_H

#include "pager.h"

/*
 * mremap() moves and unmaps its source in one go, then tells REMAP, and only when
 * that was read the UNMAP of the source (mm/mremap.c).  What is there by then is
 * another thread's, who has moved something into the hole: its pages must not be
 * dropped.  The source was emptied by the REMAP already, so that its UNMAP has
 * nothing to say.  Not so after MREMAP_DONTUNMAP, which has no such UNMAP: what
 * comes then is a real one.
 */

/* A REMAP of [start, end) is applied.  Kept in the state file: a later daemon may read the UNMAP. */
void late_unmap_expect(struct space *sp, uint64_t start, uint64_t end);
/*
 * Whether what is known there is still wanted: it is of a mapping that is there
 * now, or of one that was moved on from there by a REMAP that is unread yet.  That
 * there is such a one may be @sure where another has come there meanwhile.
 */
bool late_unmap_in_use(struct pager *pg, const struct space *sp, uint64_t start, uint64_t end,
		       bool sure);
/* Whether this UNMAP is such a one, which is not expected any more once it is applied. */
bool late_unmap_came(struct pager *pg, struct space *sp, uint64_t start, uint64_t end);
void late_unmap_settle(struct space *sp);

#endif
