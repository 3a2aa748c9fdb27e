// SPDX-License-Identifier: GPL-2.0-only
#include "house.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "budget.h"
#include "clock.h"
#include "log.h"
#include "takeover.h"

#define TICK_NEAR_NS  (5 * NS_PER_MS)
#define TICK_FAR_NS   (50 * NS_PER_MS)
/* Of the budget: where the agent is placed, and where mappings are registered. */
#define PLACE_PART    4
#define REGISTER_PART 2
/* A scan may take a tenth of the time. */
#define SCAN_SHARE    10
#define RESCAN_NS     NS_PER_S
#define STOP_MAX_NS   (300 * NS_PER_MS)
/* A drop that takes longer hangs, and so would the program. */
#define DROP_MAX_NS   (2 * NS_PER_S)
#define REAP_NS	      (100 * NS_PER_MS)

static uint64_t meminfo_bytes(const char *name)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name))) {
			sscanf(line + strlen(name), " %llu", &kib);
			break;
		}
	if (f)
		fclose(f);
	return kib * 1024;
}

void house_init(struct house *h, struct pager *pg)
{
	*h = (struct house){ .pg = pg, .memory_bytes = meminfo_bytes("MemTotal:") };
}

struct proc *house_find(struct house *h, pid_t pid)
{
	for (struct proc *p = h->procs; p; p = p->next)
		if (p->pid == pid && !p->exited)
			return p;
	return NULL;
}

static void add_proc(struct house *h, struct proc *p)
{
	p->next = h->procs;
	h->procs = p;
}

static bool fd_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&pfd, 1, 0) == 1;
}

/*
 * Until the agent drops nothing any more where the program could write it or
 * map something else meanwhile [F2].  A dead agent drops nothing.
 */
static void wait_dropped(const struct space *sp)
{
	const struct timespec pause = { .tv_nsec = 100 * NS_PER_US };
	uint64_t begin_ns = clock_ns();

	while (sp->dropping && sp->phase < SPACE_CLOSING && !fd_readable(sp->agent.pidfd) &&
	       clock_ns() - begin_ns < DROP_MAX_NS)
		nanosleep(&pause, NULL);
}

static void end_stop(struct proc *p)
{
	if (!p->stop_active)
		return;
	if (p->space) {
		p->space->stopped = false;
		wait_dropped(p->space);
	}
	inject_stop_end(&p->stop);
	p->stop_active = false;
}

static void remove_proc(struct house *h, struct proc *p)
{
	struct proc **at = &h->procs;

	end_stop(p);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	proc_close(p);
}

/* ---- what the worker and the targets do ---- */

/* The process no longer runs in this space: the agent must not keep it alive. */
static void leave_space(struct proc *p)
{
	struct space *sp = p->space;

	end_stop(p);
	agent_dismiss(&sp->agent);
	sp->gone = true;
	p->space = NULL;
	p->state = UPAGER_PROC_WATCHED;
}

/* The kernel said so first. */
static void leave_closed(struct proc *p)
{
	end_stop(p);
	p->space = NULL;
	p->state = UPAGER_PROC_WATCHED;
}

/* A space whose process exited or executed lives until the kernel says ESRCH [F13]. */
static void look_after_space(struct house *h, struct space *sp)
{
	struct pager *pg = h->pg;

	if (sp->phase == SPACE_NEW || sp->phase >= SPACE_CLOSING)
		return;
	if (!sp->agent.dead && sp->agent.ctl && fd_readable(sp->agent.pidfd)) {
		sp->agent.dead = true;
		if (!sp->gone)
			log_warn("the agent in process %d died: its memory is served but no longer "
				 "evicted; detach and attach it again",
				 sp->pid);
		pager_kick_worker(pg);
	}
	if ((sp->gone || sp->phase == SPACE_NEWBORN) && uffd_alive(sp->uffd) == -ESRCH) {
		pthread_mutex_lock(&sp->lock);
		sp->phase = SPACE_CLOSING;
		pthread_mutex_unlock(&sp->lock);
		pager_kick_worker(pg);
		return;
	}
	if (sp->phase == SPACE_NEWBORN && sp->first_tid && !sp->identified) {
		struct space *from = pg->space[sp->parent_id];
		struct proc *parent = from ? house_find(h, from->pid) : NULL;
		struct proc *child = takeover_child(pg, sp, parent);

		if (child)
			add_proc(h, child);
	}
}

/* ---- growth ---- */

static uint64_t budget_pages(const struct proc *p)
{
	return p->budget_bytes / PAGE_SIZE;
}

static void free_closed(struct house *h)
{
	struct space *sp;

	while ((sp = pager_next_closed(h->pg))) {
		for (struct proc *p = h->procs; p; p = p->next)
			if (p->space == sp)
				leave_closed(p);
		space_free(sp);
	}
}

static bool scan_due(const struct proc *p, uint64_t now_ns)
{
	uint64_t since_ns = now_ns - p->scanned_ns;

	if (since_ns < p->scan_cost_ns * SCAN_SHARE)
		return false;
	return p->state == UPAGER_PROC_READY || p->size_changed || p->space->rescan_wanted ||
	       since_ns > RESCAN_NS;
}

/*
 * Stops every thread while the space is brought under its budget: where MOVE
 * is missing, and where a program grows by mappings that are not registered
 * yet faster than rescans find them.
 */
static void look_after_stop(struct house *h, struct proc *p, uint64_t now_ns)
{
	struct space *sp = p->space;
	char cause[INJECT_CAUSE_BYTES] = "";
	bool over = p->rss_pages > budget_pages(p) + 2 * budget_slack(sp);

	if (p->stop_active) {
		bool more = over || (sp->stop_wanted && budget_excess(sp));

		if (more && now_ns - p->stop_began_ns < STOP_MAX_NS && space_can_evict(sp) &&
		    sp->phase == SPACE_LIVE)
			return;
		sp->stop_wanted = false;
		end_stop(p);
		return;
	}
	if (!(sp->stop_wanted && budget_excess(sp)) && !over)
		return;
	if (!space_can_evict(sp) || sp->phase != SPACE_LIVE)
		return;
	/* Not again and again without letting it run in between. */
	if (now_ns - p->stop_began_ns < TICK_NEAR_NS / 2)
		return;
	p->stop_began_ns = now_ns;
	sp->stop_failed = inject_stop_begin(p->pid, sp->agent.pid, &p->stop, cause) != 0;
	if (sp->stop_failed)
		return;
	p->stop_active = true;
	takeover_register(h->pg, p);
	sp->stopped = true;
	pager_kick_worker(h->pg);
}

static void look_after_growth(struct house *h, struct proc *p, uint64_t now_ns)
{
	struct space *sp = p->space;
	uint64_t tracked;

	if (!sp) {
		if (p->state == UPAGER_PROC_WATCHED &&
		    p->rss_pages >= budget_pages(p) / PLACE_PART &&
		    takeover_begin(h->pg, p, p->text)) {
			p->state = UPAGER_PROC_REFUSED;
			log_warn("process %d is not paged: %s", p->pid, p->text);
		}
		return;
	}
	tracked = sp->nr_resident;
	sp->other_pages = p->rss_pages > tracked ? p->rss_pages - tracked : 0;
	if (sp->phase != SPACE_LIVE)
		end_stop(p);
	if (sp->phase != SPACE_LIVE)
		return;
	if ((p->state == UPAGER_PROC_PAGED || p->rss_pages >= budget_pages(p) / REGISTER_PART) &&
	    scan_due(p, now_ns))
		takeover_register(h->pg, p);
	if (budget_excess(sp))
		pager_kick_worker(h->pg);
	look_after_stop(h, p, now_ns);
}

static void look_after_quarantine(struct proc *p)
{
	uint64_t now_ns = clock_ns();

	if (p->space && !quarantine_empty(&p->space->quarantine) && proc_outside_madvise(p))
		p->space->quarantine_safe_ns = now_ns;
}

static void look_after_proc(struct house *h, struct proc *p, uint64_t now_ns)
{
	if (fd_readable(p->pidfd)) {
		p->exited = true;
		if (p->space)
			leave_space(p);
		remove_proc(h, p);
		return;
	}
	if (proc_sample(p))
		return; /* exiting: its pidfd tells */
	if (p->space && p->state != UPAGER_PROC_DETACHING && !proc_same_space(p))
		leave_space(p); /* it executed another program */
	look_after_growth(h, p, now_ns);
	look_after_quarantine(p);
}

static void say_full(struct house *h)
{
	bool full = false;

	for (uint32_t id = 1; id < h->pg->nr_ids; id++)
		full |= h->pg->space[id] && h->pg->space[id]->area_full;
	if (full && !h->area_full_said)
		log_warn("the swap areas are full: programs stay over their budgets; add an area "
			 "with "
			 "--swap or raise budgets");
	h->area_full_said = full;
}

uint64_t house_tick(struct house *h)
{
	uint64_t now_ns = clock_ns();
	struct proc *p, *next;
	bool near = false;

	tables_refill(h->pg->tables);
	for (p = h->procs; p; p = next) {
		next = p->next;
		look_after_proc(h, p, now_ns);
	}
	for (uint32_t id = 1; id < h->pg->nr_ids; id++)
		if (h->pg->space[id])
			look_after_space(h, h->pg->space[id]);
	for (p = h->procs; p; p = p->next)
		near |= p->state != UPAGER_PROC_REFUSED;
	free_closed(h);
	say_full(h);
	for (uint32_t id = 1; id < h->pg->nr_ids && !near; id++)
		near |= h->pg->space[id] != NULL;
	return near ? TICK_NEAR_NS : TICK_FAR_NS;
}

/* ---- requests ---- */

static int check_budget(const struct house *h, uint64_t budget_bytes, char text[UPAGER_TEXT_BYTES])
{
	if (budget_bytes < HOUSE_BUDGET_MIN_BYTES) {
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

int house_attach(struct house *h, pid_t pid, uint64_t budget_bytes, uint32_t flags,
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
	if (pid == getpid()) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d is the pager itself, which must stay resident", pid);
		return -EPERM;
	}
	err = proc_open(&p, pid, text);
	if (err)
		return err;
	p->budget_bytes = budget_bytes;
	proc_sample(p);
	if (!(flags & UPAGER_ATTACH_WATCH))
		err = takeover_begin(h->pg, p, text);
	if (err) {
		proc_close(p);
		return err;
	}
	add_proc(h, p);
	return 0;
}

int house_set_budget(struct house *h, struct proc *p, uint64_t budget_bytes,
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

uint64_t house_shortage(const struct house *h)
{
	uint64_t need = 0, spare = spare_bytes();

	for (const struct proc *p = h->procs; p; p = p->next)
		if (p->space)
			need += outside_bytes(p->space);
	return need > spare ? need - spare : 0;
}

int house_fill(struct house *h, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	struct space *sp = p->space;
	uint64_t need;

	if (!sp)
		return 0;
	need = outside_bytes(sp);
	if (need > spare_bytes()) {
		snprintf(text, UPAGER_TEXT_BYTES,
			 "process %d has %lluM outside and memory has room for %lluM: free some "
			 "first",
			 p->pid, (unsigned long long)(need >> 20),
			 (unsigned long long)(spare_bytes() >> 20));
		return -ENOMEM;
	}
	end_stop(p);
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

bool house_fill_pending(const struct proc *p)
{
	return p->space && p->space->phase != SPACE_FILLED && p->space->phase < SPACE_CLOSING;
}

void house_resume(struct house *h, struct proc *p)
{
	struct space *sp = p->space;

	if (!sp)
		return;
	pthread_mutex_lock(&sp->lock);
	if (sp->phase == SPACE_FILLED)
		sp->phase = SPACE_LIVE;
	sp->evict_off = false;
	pthread_mutex_unlock(&sp->lock);
	pager_kick_worker(h->pg);
}

int house_release(struct house *h, struct proc *p, char text[UPAGER_TEXT_BYTES])
{
	int err = 0;

	if (p->space)
		err = takeover_end(h->pg, p, text);
	remove_proc(h, p);
	return err;
}

void house_record(const struct house *h, const struct proc *p, struct upager_record *rec)
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
