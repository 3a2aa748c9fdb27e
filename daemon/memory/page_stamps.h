/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PAGE_STAMPS_H
#define UPAGER_PAGE_STAMPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/*
 * A set of pages, each with the round (1 and up) in which it was seen last.
 * Those of old rounds make room for others.
 */
struct page_stamps {
	struct page_stamp {
		pgno_t page;
		uint32_t round; /* 0: free */
		bool asked; /* it is out, and was asked back */
	} * at;
	uint32_t room; /* 0 or a power of two */
	uint32_t nr;
};

void page_stamps_fini(struct page_stamps *ps);
/* NULL: it is not among them. */
struct page_stamp *page_stamps_find(const struct page_stamps *ps, pgno_t n);
/*
 * Seen in this round: the old stamp with its round, or a new one.  What was not
 * seen since round @since may go.  NULL: no memory, or too
 * many.
 */
struct page_stamp *page_stamps_set(struct page_stamps *ps, pgno_t n, uint32_t round,
				   uint32_t since);

#endif
