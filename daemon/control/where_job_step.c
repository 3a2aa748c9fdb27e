// SPDX-License-Identifier: GPL-2.0-only
#include "control/where_job_step.h"

#include "memory/page_entry_format.h"

/* In one turn: faults wait meanwhile. */
#define LEAVES_MAX 8

static void count(struct upager_where_part *part, uint64_t entry)
{
	switch (page_entry_state(entry)) {
	/* On its way out: wherever it is, soon it is there. */
	case PAGE_DETACHING:
	case PAGE_STANDBY:
		part->standby_pages++;
		break;
	case PAGE_SWAPPED:
		part->swapped_pages++;
		break;
	case PAGE_LOST:
		part->lost_pages++;
		break;
	default:
		break;
	}
}

/* Parts are in order as pages are: the next one begins where this one ends. */
static void count_leaf(struct upager_where *w, const uint64_t *leaf, pgno_t base, uint64_t from)
{
	uint64_t first = w->addr >> PAGE_SHIFT, nr_pages = w->bytes >> PAGE_SHIFT;
	uint64_t n = max_t(uint64_t, from, base.v);
	uint64_t end = min_t(uint64_t, first + nr_pages, base.v + TABLE_ENTRIES);
	uint32_t part = (uint32_t)((unsigned __int128)(n - first) * w->nr_parts / nr_pages);
	uint64_t next = 0;

	for (; n < end; n++) {
		while (n >= next) {
			next = first + upager_where_first(w, part + 1);
			part += n >= next;
		}
		count(&w->part[part], leaf[n - base.v]);
	}
}

void where_job_step(struct pager *pg, struct space *sp)
{
	struct where_job *job = &sp->where_job;
	pgno_t end = addr_pgno(job->answer.addr + job->answer.bytes), base;

	if (!where_job_waits(job))
		return;
	for (unsigned int i = 0; i < LEAVES_MAX && job->cursor < end.v; i++) {
		const uint64_t *leaf = table_next_leaf(pg->tables, sp->worker.root,
						       (pgno_t){ job->cursor }, end, &base);

		if (leaf)
			count_leaf(&job->answer, leaf, base, job->cursor);
		job->cursor = leaf ? base.v + TABLE_ENTRIES : end.v;
	}
	if (job->cursor < end.v)
		return;
	job->state = WHERE_JOB_DONE;
	pager_kick_housekeeping(pg);
}
