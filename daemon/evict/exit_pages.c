// SPDX-License-Identifier: GPL-2.0-only
#include "evict/exit_pages.h"

void exit_pages_fini(struct exit_pages *ep)
{
	page_stamps_fini(&ep->pages);
}

bool exit_pages_have(const struct exit_pages *ep, pgno_t n)
{
	const struct page_stamp *s = page_stamps_find(&ep->pages, n);

	return s && s->round >= ep->since;
}
