// SPDX-License-Identifier: GPL-2.0-only
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"
#include "meminfo.h"
#include "pause.h"
#include "takeover.h"

static int check_budget(const struct house *h, uint64_t budget_bytes, char text[UPAGER_TEXT_BYTES])
{
	if (budget_bytes < REQUEST_BUDGET_MIN_BYTES) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "a budget of %llu bytes is too small: give at least 4M",
			 (unsigned long long)budget_bytes);
		return -EINVAL;
	}
	if (budget_bytes > h->memory_bytes) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "a budget of %lluM is more than this machine's memory: give at most %lluM",
			 (unsigned long long)(budget_bytes >> 20),
			 (unsigned long long)(h->memory_bytes >> 20));
		return -EINVAL;
	}
	return 0;
}

int request_attach(struct house *h, pid_t pid, uid_t uid, uint64_t budget_bytes, uint32_t flags,
		   char text[UPAGER_TEXT_BYTES])
{
	struct proc *p;
	int err;

	err = check_budget(h, budget_bytes, text);
	if (err)
		return err;
	if (house_find(h, pid)) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d is paged already: change its budget with upager budget", pid);
		return -EEXIST;
	}
	if (pid == getpid() || keeper_is(pid)) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d is the pager itself, which must stay resident", pid);
		return -EPERM;
	}
	err = proc_open(&p, pid, text);
	if (err)
		return err;
	p->budget_bytes = budget_bytes;
	p->asked_by = uid;
	proc_sample(p);
	if (!(flags & UPAGER_ATTACH_WATCH))
		err = takeover_begin(h->pg, p, text);
	if (err) {
		proc_close(p);
		return err;
	}
	house_add(h, p);
	return 0;
}

int request_set_budget(struct house *h, struct proc *p, uint64_t budget_bytes,
		       char text[UPAGER_TEXT_BYTES])
{
	int err = check_budget(h, budget_bytes, text);

	if (err)
		return err;
	p->budget_bytes = budget_bytes;
	if (p->space) {
		p->space->budget_pages = budget_bytes / PAGE_SIZE;
		p->space->evict_off = false;
		pager_kick_worker(h->pg);
	}
	return 0;
}

static uint64_t outside_bytes(const struct space *sp)
{
	return (sp->nr_swapped + sp->nr_standby) * PAGE_SIZE;
}

/* What may be taken without pushing the machine into trouble. */
static uint64_t spare_bytes(void)
{
	uint64_t available = meminfo_bytes("MemAvailable:");

	return available - available / 20;
}

uint64_t request_shortage(const struct house *h)
{
	uint64_t need = 0, spare = spare_bytes();

	for (const struct proc *p = h->procs; p; p = p->next)
		if (p->space)
			need += outside_bytes(p->space);
	return need > spare ? need - spare : 0;
}

int request_fill(struct house *h, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	struct space *sp = p->space;
	uint64_t need;

	if (!sp)
		return 0;
	if (sp->nr_lost && !h->pg->caps.poison) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d has lost %llu pages, which it would read as zeros without the "
			 "pager on this kernel: end it instead",
			 p->pid, (unsigned long long)sp->nr_lost);
		return -EIO;
	}
	need = outside_bytes(sp);
	if (need > spare_bytes()) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d has %lluM outside and memory has room for %lluM: free some "
			 "first",
			 p->pid, (unsigned long long)(need >> 20),
			 (unsigned long long)(spare_bytes() >> 20));
		return -ENOMEM;
	}
	pause_end(p);
	pthread_mutex_lock(&sp->lock);
	sp->evict_off = true;
	if (sp->phase == SPACE_LIVE) {
		sp->fill_cursor = 0;
		sp->phase = SPACE_FILLING;
	}
	pthread_mutex_unlock(&sp->lock);
	pager_kick_worker(h->pg);
	return 0;
}

bool request_fill_pending(const struct proc *p)
{
	return p->space && p->space->phase != SPACE_FILLED && p->space->phase < SPACE_CLOSING;
}

void request_resume(struct house *h, struct proc *p)
{
	struct space *sp = p->space;

	if (!sp)
		return;
	pthread_mutex_lock(&sp->lock);
	if (sp->phase == SPACE_FILLED || sp->phase == SPACE_FILLING)
		sp->phase = SPACE_LIVE;
	sp->evict_off = false;
	pthread_mutex_unlock(&sp->lock);
	pager_kick_worker(h->pg);
}

int request_release(struct house *h, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	int err = 0;

	if (p->space)
		err = takeover_end(h->pg, p, text);
	house_remove(h, p);
	return err;
}

void request_record(const struct house *h, const struct proc *p, struct upager_record *rec)
{
	const struct space *sp = p->space;

	(void)h;
	memset(rec, 0, sizeof(*rec));
	rec->pid = p->pid;
	rec->state = p->state;
	rec->uid = p->uid;
	rec->budget_bytes = p->budget_bytes;
	rec->resident_bytes = p->rss_pages * PAGE_SIZE;
	proc_comm(p, rec->comm);
	snprintf(rec->text, sizeof(rec->text), "%s", p->text);
	if (!sp)
		return;
	rec->standby_bytes = sp->nr_standby * PAGE_SIZE;
	rec->swapped_bytes = sp->nr_swapped * PAGE_SIZE;
	rec->registered_bytes = sp->regions.nr_pages * PAGE_SIZE;
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
	for (int i = 0; i < UPAGER_HIST_BUCKETS; i++)
		rec->latency_ns_log2[i] = sp->stats.latency_ns_log2[i];
}
