// SPDX-License-Identifier: GPL-2.0-only
#include "life/roster.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "life/descendants.h"
#include "recover/statefile.h"
#include "life/release.h"

#define NAME	 "processes"
/* 1, and until when all that were born are known. */
#define HEAD	 "upager-processes 1 %llu\n"
/* pid, born, budget, family, weight, asked by, parent, followed */
#define LINE	 "%d %llu %llu %u %u %u %d %d\n"
#define WRITE_NS (20 * NS_PER_MS)

static void print(FILE *f, const struct housekeeping *h)
{
	fprintf(f, HEAD, (unsigned long long)h->descendants.scanned_ticks);
	for (const struct proc *p = h->procs; p; p = p->next)
		if (!p->by_itself && p->state != UPAGER_PROC_DETACHING)
			fprintf(f, LINE, p->pid, (unsigned long long)p->born_ticks,
				(unsigned long long)p->terms.budget_bytes, p->terms.family,
				p->terms.weight, p->terms.asked_by, p->parent_pid, p->followed);
}

void roster_write(struct housekeeping *h, bool now)
{
	uint64_t now_ns = clock_ns();
	char *text = NULL;
	size_t size;
	int err = -ENOMEM;
	FILE *f;

	if (!h->roster_changed || (!now && now_ns < h->roster_at_ns))
		return;
	h->roster_changed = false;
	h->roster_at_ns = now_ns + WRITE_NS;
	f = open_memstream(&text, &size);
	if (f) {
		print(f, h);
		if (!fclose(f))
			err = statefile_write_text(h->pg->state_dir_fd, NAME, text);
	}
	free(text);
	if (err)
		log_warn("cannot write who is watched (%s), ignoring: after a crash they are not "
			 "paged",
			 strerror(-err));
}

static bool read_line(FILE *f, struct proc *p)
{
	unsigned long long born, budget;
	int followed;

	if (fscanf(f, "%d %llu %llu %u %u %u %d %d", &p->pid, &born, &budget, &p->terms.family,
		   &p->terms.weight, &p->terms.asked_by, &p->parent_pid, &followed) != 8)
		return false;
	p->born_ticks = born;
	p->terms.budget_bytes = budget;
	p->followed = followed;
	return true;
}

static void take_on(struct housekeeping *h, const struct proc *as)
{
	char text[UPAGER_TEXT_BYTES];
	struct proc *p;

	if (housekeeping_find(h, as->pid) || proc_open(&p, as->pid, text))
		return;
	p->terms = as->terms;
	p->parent_pid = as->parent_pid;
	p->followed = as->followed;
	p->borrows = p->followed && descendants_borrows(p);
	housekeeping_add(h, p);
	if (p->born_ticks != as->born_ticks) { /* the number is another's by now */
		p->by_itself = true; /* it does not count as ended */
		release_proc(h, p);
		return;
	}
	if (!family_restore(&h->families, &p->terms, p->pid))
		p->terms.family = 0;
	p->claim.share = p->claim.max = p->terms.budget_bytes / PAGE_SIZE;
	proc_sample(p);
}

void roster_take_on(struct housekeeping *h)
{
	int fd = openat(h->pg->state_dir_fd, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned long long ticks = 0;
	struct proc line = { 0 };

	if (f && fscanf(f, HEAD, &ticks) == 1)
		while (read_line(f, &line))
			take_on(h, &line);
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
	if (!h->procs)
		return;
	descendants_open(&h->descendants);
	/* Whoever was born since is looked for. */
	if (ticks)
		h->descendants.scanned_ticks = ticks;
	h->descendants.lost = ticks;
}
