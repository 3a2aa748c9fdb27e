/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_JOURNEY_H
#define UPAGER_SELFTESTS_JOURNEY_H

#include "selftests/cli/cli.h"
#include "selftests/traces.h"
#include "selftests/control/worker.h"

/* A worker's way under a budget of a quarter of its memory, and back. */
#define QUARTER (WORKER_BYTES / 4)

static inline bool is_within(pid_t pid, uint64_t budget_bytes)
{
	return rss_anon(pid) <= budget_bytes + budget_bytes / 10;
}

/* Under pressure: at its budget, with pages coming and going. */
static inline bool is_paged(struct pager *pg, pid_t pid, uint64_t budget_bytes)
{
	uint64_t evictions = pager_status(pg, pid).evictions;
	bool ok = wait_until(20, is_within(pid, budget_bytes)) &&
		  wait_until(30, pager_status(pg, pid).evictions > evictions + 50 &&
					 pager_status(pg, pid).swap_ins);

	if (!ok)
		fprintf(stderr, "# RssAnon %llu, evictions %llu, swap-ins %llu\n",
			(unsigned long long)rss_anon(pid),
			(unsigned long long)pager_status(pg, pid).evictions,
			(unsigned long long)pager_status(pg, pid).swap_ins);
	return ok;
}

static inline bool has_everything(pid_t pid)
{
	if (rss_anon(pid) >= WORKER_BYTES)
		return true;
	fprintf(stderr, "# RssAnon is %llu\n", (unsigned long long)rss_anon(pid));
	return false;
}

struct journey {
	double stopped_ms;
	struct traces before;
	struct traces after;
};

static struct journey journey;

/* Once there and back; the program must be at work. */
static inline bool go_round(struct pager *pg, const struct program *p, bool forks,
			    unsigned int work_ms)
{
	struct journey *j = &journey;
	int orphans = nr_orphans();

	traces_take(&j->before, p->pid, forks);
	j->stopped_ms = cli_attach(pg, p->pid, QUARTER);
	if (j->stopped_ms < 0 || !is_paged(pg, p->pid, QUARTER))
		return false;
	sleep_us(work_ms * 1000L);
	if (!is_within(p->pid, QUARTER) && !wait_until(1, is_within(p->pid, QUARTER))) {
		fprintf(stderr, "# over its budget: RssAnon %llu\n",
			(unsigned long long)rss_anon(p->pid));
		return false;
	}
	if (!cli_quietly(pg, "detach", p->pid) || !has_everything(p->pid))
		return false;
	traces_take(&j->after, p->pid, forks);
	if (!traces_equal(&j->before, &j->after))
		return false;
	if (!forks && !wait_until(5, nr_orphans() == orphans)) {
		fprintf(stderr, "# an agent is left\n");
		return false;
	}
	return true;
}

#endif
