// SPDX-License-Identifier: GPL-2.0-only
#include <linux/seq_file.h>
#include <linux/timekeeping.h>
#include "paging.h"

static const struct figures_kind paging_kind = {
	.nest = UPAGER_A_PAGING,
	.names = {
		[UPAGER_PAGING_A_BUDGET_BYTES] = "budget_bytes",
		[UPAGER_PAGING_A_RESIDENT_BYTES] = "resident_bytes",
		[UPAGER_PAGING_A_STANDBY_BYTES] = "standby_bytes",
		[UPAGER_PAGING_A_SWAPPED_BYTES] = "swapped_bytes",
		[UPAGER_PAGING_A_FAULTS] = "faults",
		[UPAGER_PAGING_A_EVICTIONS] = "evictions",
		[UPAGER_PAGING_A_RESCUES] = "rescues",
		[UPAGER_PAGING_A_READAHEAD_PAGES] = "readahead_pages",
		[UPAGER_PAGING_A_READAHEAD_HITS] = "readahead_hits",
		[UPAGER_PAGING_A_CHECKSUM_FAILURES] = "checksum_failures",
		[UPAGER_PAGING_A_IO_ERRORS] = "io_errors",
	},
};

const struct nla_policy paging_policy[UPAGER_PAGING_A_MAX + 1] = {
	[UPAGER_PAGING_A_PAD] = { .type = NLA_FLAG },
	[UPAGER_PAGING_A_BUDGET_BYTES... UPAGER_PAGING_A_MAX] = { .type = NLA_U64 },
};

void paging_prepare(struct paging *paging)
{
	spin_lock_init(&paging->lock);
}

/* A figure that is not among the attributes stays as it was reported last. */
void paging_report(struct paging *paging, struct nlattr *attrs[UPAGER_PAGING_A_MAX + 1])
{
	int attr;

	spin_lock(&paging->lock);
	for (attr = UPAGER_PAGING_A_BUDGET_BYTES; attr <= UPAGER_PAGING_A_MAX; attr++) {
		if (!attrs[attr])
			continue;
		paging->values[attr] = nla_get_u64(attrs[attr]);
		paging->known |= 1U << attr;
	}
	paging->reported_ns = ktime_get_boottime_ns();
	spin_unlock(&paging->lock);
}

void paging_figures(struct figures *figures, struct paging *paging)
{
	figures->kind = &paging_kind;
	spin_lock(&paging->lock);
	figures->known = paging->known;
	memcpy(figures->values, paging->values, sizeof(paging->values));
	spin_unlock(&paging->lock);
}

void paging_show(struct seq_file *m, struct paging *paging)
{
	struct figures figures;
	u64 reported_ns;

	paging_figures(&figures, paging);
	if (!figures.known) {
		seq_puts(m, "reported 0\n");
		return;
	}
	figures_show(m, &figures);
	spin_lock(&paging->lock);
	reported_ns = paging->reported_ns;
	spin_unlock(&paging->lock);
	seq_printf(m, "reported_age_ms %llu\n",
		   div_u64(ktime_get_boottime_ns() - reported_ns, NSEC_PER_MSEC));
}
