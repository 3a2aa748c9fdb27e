// SPDX-License-Identifier: GPL-2.0-only
#include "life/say.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/size.h"
#include "kernel/breakpoint.h"

/* How often the same warning is written. */
#define SHORT_SAY_NS (60 * NS_PER_S)
#define LOST_SAY_NS  NS_PER_S

/* A program chooses its name: nothing in it may look like another message. */
static void clean_comm(const struct proc *p, char comm[16])
{
	proc_comm(p, comm);
	printable_clean(comm);
}

void say_comm(pid_t pid, char comm[16])
{
	char path[32];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, comm, 15);
		close(fd);
	}
	if (n <= 0)
		n = snprintf(comm, 16, "?");
	comm[n] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	printable_clean(comm);
}

void say_begin(const struct proc *p)
{
	char comm[16], size[SIZE_TEXT_BYTES];

	clean_comm(p, comm);
	size_format(p->terms.budget_bytes, size, sizeof(size));
	log_info("process %d (%s) is %s: budget %s%s, asked for by user %u", p->pid, comm,
		 p->space ? "paged" : "watched", size, p->terms.family ? " of a family" : "",
		 p->terms.asked_by);
}

void say_end(const struct proc *p)
{
	char comm[16];

	clean_comm(p, comm);
	log_info("process %d (%s) is detached: it has everything back", p->pid, comm);
}

static void say_orphans(struct space *sp)
{
	uint32_t orphans = sp->reports.orphans;

	if (orphans != sp->housekeeping.orphans_said)
		log_warn("%u forked children of process %d cannot be served and get SIGBUS where "
			 "they need the swap area: memory, descriptors or room in the state "
			 "directory are short",
			 orphans - sp->housekeeping.orphans_said, sp->process.pid);
	sp->housekeeping.orphans_said = orphans;
}

static void say_lost(struct housekeeping *h, struct space *sp, uint64_t now_ns)
{
	uint64_t lost = sp->stats.lost;

	if (lost == sp->housekeeping.lost_said || now_ns < h->lost_say_ns)
		return;
	h->lost_say_ns = now_ns + LOST_SAY_NS;
	log_warn("%llu pages of process %d could not be read back: it gets SIGBUS where it touches "
		 "them",
		 (unsigned long long)(lost - sp->housekeeping.lost_said), sp->process.pid);
	sp->housekeeping.lost_said = lost;
}

/* When trouble with an area begins, and what it has come to a minute later. */
static void say_trouble(struct housekeeping *h, uint64_t now_ns)
{
	struct pager *pg = h->pg;

	if (now_ns < h->trouble_say_ns)
		return;
	for (uint32_t i = 0; i < pg->nr_areas; i++) {
		const struct area_health *health = &pg->area[i].health;
		uint64_t all = health->read_errors + health->write_errors + health->bad_checksums +
			       health->hung_reads + health->hung_writes;

		if (all == h->trouble_said[i])
			continue;
		h->trouble_said[i] = all;
		h->trouble_say_ns = now_ns + SHORT_SAY_NS;
		log_warn("swap area %s fails: %llu reads and %llu writes failed, %llu pages came "
			 "back wrong, %u requests are not answered; %llu slots are not used any "
			 "more, %llu pages are lost",
			 pg->area[i].path, (unsigned long long)health->read_errors,
			 (unsigned long long)health->write_errors,
			 (unsigned long long)health->bad_checksums,
			 health->hung_reads + health->hung_writes,
			 (unsigned long long)health->retired, (unsigned long long)health->lost);
	}
}

static void say_short(struct housekeeping *h, uint64_t now_ns)
{
	if (!tables_short(h->pg->tables) || now_ns < h->short_say_ns)
		return;
	h->short_say_ns = now_ns + SHORT_SAY_NS;
	log_warn("no room for page tables: memory touched from now on is not paged, children are "
		 "not served; make room in the file system of the state directory, or detach a "
		 "program that uses little of much address space");
}

static void say_full(struct housekeeping *h, uint64_t now_ns)
{
	bool full = false;

	for (uint32_t id = 1; id < h->pg->nr_ids; id++) {
		struct space *sp = pager_space(h->pg, id);

		if (!sp)
			continue;
		full |= sp->reports.area_full;
		say_orphans(sp);
		say_lost(h, sp, now_ns);
	}
	if (!full)
		return;
	/* Once: slots that come and go all the time end nothing. */
	if (now_ns >= h->full_say_ns)
		log_warn("the swap areas are full: programs stay over their budgets; add an area "
			 "with "
			 "--swap or raise budgets");
	h->full_say_ns = now_ns + SHORT_SAY_NS;
}

void say_all(struct housekeeping *h, uint64_t now_ns)
{
	say_full(h, now_ns);
	say_short(h, now_ns);
	say_trouble(h, now_ns);
}

void say_breakpoints(const struct pager *pg)
{
	if (!breakpoint_fires())
		log_info("hardware breakpoints do not fire here, as under some hypervisors: a "
			 "thread in a call that would notice a stop is waited for%s",
			 pg->caps.move ? "" : ", and nothing is taken out meanwhile");
}
