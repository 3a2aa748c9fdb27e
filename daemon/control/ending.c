// SPDX-License-Identifier: GPL-2.0-only
#include "control/ending.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/request.h"
#include "life/left.h"

static void begin_one(struct ending *ending, struct proc *p)
{
	uint64_t need = request_outside_bytes(p);
	char text[UPAGER_TEXT_BYTES];

	if (p->state == UPAGER_PROC_DETACHING || need > ending->room_bytes ||
	    request_fill(ending->h, p, text))
		return;
	ending->room_bytes -= need;
	p->state = UPAGER_PROC_DETACHING;
}

static int by_need(const void *a, const void *b)
{
	uint64_t x = request_outside_bytes(*(struct proc *const *)a);
	uint64_t y = request_outside_bytes(*(struct proc *const *)b);

	return (x > y) - (x < y);
}

/* One that has much outside keeps nothing from those that have little. */
static void begin_least_first(struct ending *ending)
{
	struct proc **all;
	uint32_t nr = 0;

	for (struct proc *p = ending->h->procs; p; p = p->next)
		nr++;
	all = reallocarray(NULL, nr + 1, sizeof(struct proc *));
	if (!all)
		return; /* they are begun as they come */
	nr = 0;
	for (struct proc *p = ending->h->procs; p; p = p->next)
		all[nr++] = p;
	qsort(all, nr, sizeof(struct proc *), by_need);
	for (uint32_t i = 0; i < nr; i++)
		begin_one(ending, all[i]);
	free(all);
}

void ending_begin(struct ending *ending, struct housekeeping *h, uint64_t limit_ns)
{
	*ending = (struct ending){ .h = h,
				   .since_ns = clock_ns(),
				   .until_ns = clock_ns() + limit_ns,
				   .room_bytes = request_spare_bytes() };
	progress_begin(&ending->progress, "upagerd gives back");
	/* Those whose detach is under way. */
	for (struct proc *p = h->procs; p; p = p->next)
		if (p->state == UPAGER_PROC_DETACHING)
			ending->room_bytes -=
				min_t(uint64_t, ending->room_bytes, request_outside_bytes(p));
	begin_least_first(ending);
}

static bool is_late(const struct ending *ending)
{
	return clock_ns() >= ending->until_ns;
}

/* Whatever is paged belongs to those for whom nothing can be begun. */
static bool is_hopeless(const struct ending *ending)
{
	struct pager *pg = ending->h->pg;
	uint32_t nr = 0;

	for (const struct proc *p = ending->h->procs; p; p = p->next) {
		if (p->state == UPAGER_PROC_DETACHING)
			return false;
		nr += p->space != NULL;
	}
	for (uint32_t id = 1; id < pg->nr_ids; id++)
		nr -= pager_space(pg, id) != NULL;
	return ending->h->procs && !nr;
}

/* Each may take seconds. */
static void release_filled(struct ending *ending)
{
	char text[UPAGER_TEXT_BYTES];
	struct proc *next;

	for (struct proc *p = ending->h->procs; p && !is_late(ending); p = next) {
		next = p->next;
		if (p->state != UPAGER_PROC_DETACHING || request_fill_pending(ending->h, p))
			continue;
		if (request_release(ending->h, p, text))
			log_warn("%s", text);
	}
}

static void show_progress(struct ending *ending)
{
	uint64_t outside_bytes = 0;

	for (const struct proc *p = ending->h->procs; p; p = p->next)
		outside_bytes += request_outside_bytes(p);
	ending->most_bytes = max_t(uint64_t, ending->most_bytes, outside_bytes);
	progress_show(&ending->progress, ending->most_bytes - outside_bytes, ending->most_bytes);
}

_Noreturn void ending_give_up(struct ending *ending)
{
	progress_end(&ending->progress);
	left_behind(ending->h->pg);
}

bool ending_step(struct ending *ending, bool ends_too)
{
	struct pager *pg = ending->h->pg;

	/* Children that were found meanwhile. */
	for (struct proc *p = ending->h->procs; p; p = p->next)
		begin_one(ending, p);
	release_filled(ending);
	show_progress(ending);
	if (!ending->h->procs && !pager_has_spaces(pg) &&
	    !unserved_look_after(&pg->state.unserved)) {
		progress_end(&ending->progress);
		return true;
	}
	if (is_late(ending) || (!ends_too && is_hopeless(ending)))
		ending_give_up(ending);
	return false;
}
