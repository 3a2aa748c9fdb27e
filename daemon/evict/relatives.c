// SPDX-License-Identifier: GPL-2.0-only
#include "evict/relatives.h"

#include <string.h>

#include "agent/agent.h"
#include "evict/victims.h"
#include "kernel/present.h"
#include "memory/page.h"

/* So often others are looked for, or what is shared and cold would stay for ever. */
#define LOOKS 4

static bool has_relative(const struct pager *pg, const struct space *sp)
{
	if (!sp->worker.lineage)
		return false;
	for (uint32_t id = 1; id < pg->nr_ids; id++) {
		const struct space *other = pg->space[id];

		if (other && other != sp && other->worker.lineage == sp->worker.lineage &&
		    other->phase != SPACE_CLOSING)
			return true;
	}
	return false;
}

/* Leaves what is mapped here only, and less of that if it is in too many runs. */
static uint32_t leave_exclusive(struct pager *pg, struct space *sp, struct run *runs,
				uint32_t nr_runs, uint32_t max_runs)
{
	struct run found[AGENT_RUNS_MAX] = { 0 };
	uint32_t nr = 0;

	for (uint32_t k = 0; k < nr_runs; k++) {
		uint64_t bits[PRESENT_MAX / 64];
		struct run *open = NULL;

		if (present_exclusive(sp->process.pagemap_fd, runs[k], bits))
			return 0;
		for (uint32_t i = 0; i < runs[k].nr_pages; i++) {
			pgno_t n = pgno_add(runs[k].first, i);

			if (!(bits[i / 64] >> (i % 64) & 1)) {
				page_set_age(pg, sp, n, POLICY_AGE_SHARED);
				open = NULL;
			} else if (open) {
				open->nr_pages++;
			} else if (nr < max_runs) {
				open = &found[nr++];
				*open = (struct run){ n, 1 };
			}
		}
	}
	memcpy(runs, found, nr * sizeof(runs[0]));
	return nr;
}

static uint32_t victims(struct pager *pg, struct space *sp, uint32_t nr_pages, uint32_t run_pages,
			struct run *runs, uint32_t max_runs)
{
	uint32_t nr_runs;

	pthread_mutex_lock(&sp->lock);
	nr_runs = victims_choose(pg, sp, nr_pages, run_pages, runs, max_runs);
	pthread_mutex_unlock(&sp->lock);
	return nr_runs;
}

uint32_t relatives_victims(struct pager *pg, struct space *sp, uint32_t nr_pages,
			   uint32_t run_pages, struct run *runs, uint32_t max_runs)
{
	uint32_t nr_runs = victims(pg, sp, nr_pages, run_pages, runs, max_runs), nr;

	if (!has_relative(pg, sp))
		return nr_runs;
	for (int n = 0; n < LOOKS && nr_runs; n++) {
		nr = leave_exclusive(pg, sp, runs, nr_runs, max_runs);
		if (nr)
			return nr;
		nr_runs = victims(pg, sp, nr_pages, run_pages, runs, max_runs);
	}
	return nr_runs;
}
