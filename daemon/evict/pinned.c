// SPDX-License-Identifier: GPL-2.0-only
#include "evict/pinned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kernel/module.h"

/* What one question may span: a page table is 512 pages, a question some microseconds. */
#define SPAN_PAGES 4096u

static void give_up(struct pager *pg, int err)
{
	struct module *m = pg->pinned;

	if (err != -ENOENT) /* unloaded: housekeeping says so */
		log_warn("the module upager cannot be asked for pinned pages (%s): going on "
			 "without it",
			 strerror(-err));
	module_close(m);
	free(m);
	pg->pinned = NULL; /* housekeeping offers another when it is back */
}

static uint64_t cut_out(const uint64_t *bits, uint32_t first, uint32_t nr_pages)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < nr_pages; i++)
		if (bits[(first + i) / 64] >> ((first + i) % 64) & 1)
			mask |= 1ULL << i;
	return mask;
}

/* How many of the runs one question covers, and which pages it is about. */
static uint32_t span_of(const struct run *runs, uint32_t nr_runs, struct run *span)
{
	uint32_t n = 0;

	*span = (struct run){ runs[0].first, 0 };
	for (; n < nr_runs; n++) {
		uint64_t pages = runs[n].first.v - span->first.v + runs[n].nr_pages;

		if (runs[n].first.v < span->first.v || pages > SPAN_PAGES)
			break;
		span->nr_pages = (uint32_t)pages;
	}
	return n;
}

void pinned_find(struct pager *pg, const struct space *sp, const struct run *runs, uint32_t nr_runs,
		 uint64_t *masks)
{
	uint64_t bits[SPAN_PAGES / 64];
	uint32_t n, nr;

	memset(masks, 0, nr_runs * sizeof(*masks));
	for (n = 0; n < nr_runs && pg->pinned; n += nr) {
		struct run span;
		int err = 0;

		nr = span_of(&runs[n], nr_runs - n, &span);
		/* The agent has the memory even if the process has another by now. */
		if (span.nr_pages)
			err = module_pinned(pg->pinned, sp->agent.pid, span, bits);
		if (err == -ENOENT || err == -EPERM || err == -EOPNOTSUPP) {
			give_up(pg, err);
			return;
		}
		for (uint32_t i = n; i < n + nr && span.nr_pages; i++)
			/* Whatever else went wrong: rather too many stay. */
			masks[i] = err ? ~0ULL
				       : cut_out(bits, (uint32_t)(runs[i].first.v - span.first.v),
						 runs[i].nr_pages);
	}
}
