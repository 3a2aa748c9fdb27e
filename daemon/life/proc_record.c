// SPDX-License-Identifier: GPL-2.0-only
#include "life/proc_record.h"

#include <stdio.h>
#include <string.h>

void proc_record(const struct families *fs, const struct proc *p, struct upager_record *rec)
{
	const struct family *f = fs ? family_find(fs, p->terms.family) : NULL;
	const struct space *sp = p->space;

	memset(rec, 0, sizeof(*rec));
	rec->pid = p->pid;
	rec->state = p->state;
	rec->uid = p->uid;
	rec->budget_bytes = p->terms.budget_bytes;
	rec->share_bytes = min_t(uint64_t, p->claim.share, p->claim.max) * PAGE_SIZE;
	rec->weight = p->terms.weight;
	rec->family = f ? f->leader : 0;
	rec->resident_bytes = p->rss_pages * PAGE_SIZE;
	rec->pauses = p->pauses;
	rec->paused_ns = p->paused_ns;
	proc_comm(p, rec->comm);
	snprintf(rec->text, sizeof(rec->text), "%s", p->text[0] ? p->text : p->delay);
	if (!sp)
		return;
	if (sp->growth.error && !rec->text[0])
		snprintf(rec->text, sizeof(rec->text),
			 "no memory for more standby (%s): it is paged with what there is",
			 strerror(-sp->growth.error));
	if (sp->reports.area_full && !rec->text[0])
		snprintf(rec->text, sizeof(rec->text),
			 "the swap areas are full: nothing leaves it");
	rec->standby_bytes = sp->reports.nr_standby * PAGE_SIZE;
	rec->pool_bytes = sp->standby.nr_places * PAGE_SIZE;
	rec->swapped_bytes = sp->reports.nr_swapped * PAGE_SIZE;
	rec->registered_bytes = sp->locked.regions.nr_pages * PAGE_SIZE;
	rec->faults = sp->stats.faults;
	rec->zero_fills = sp->stats.zero_fills;
	rec->swap_ins = sp->stats.swap_ins;
	rec->refaults = sp->stats.swap_ins;
	rec->evictions = sp->stats.evictions;
	rec->clean_drops = sp->stats.clean_drops;
	rec->rescues = sp->stats.rescues;
	rec->readahead_pages = sp->stats.readahead_pages;
	rec->readahead_hits = sp->stats.readahead_hits;
	rec->checksum_failures = sp->stats.checksum_failures;
	rec->io_errors = sp->stats.io_errors;
	rec->pinned = sp->stats.pinned;
	rec->throttled = sp->stats.throttled;
	rec->forks = sp->stats.forks;
	rec->latency_ns = sp->stats.latency_ns;
	for (int i = 0; i < UPAGER_HIST_BUCKETS; i++)
		rec->latency_ns_log2[i] = sp->stats.latency_ns_log2[i];
}
