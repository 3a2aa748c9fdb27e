// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include "paging.h"

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

/* The figures are in the order of the attributes. */
static_assert(FIGURE_IO_ERRORS - FIGURE_BUDGET_BYTES ==
	      UPAGER_PAGING_A_MAX - UPAGER_PAGING_A_BUDGET_BYTES);

void paging_figures(struct figures *figures, struct paging *paging)
{
	int attr;

	spin_lock(&paging->lock);
	for (attr = UPAGER_PAGING_A_BUDGET_BYTES; attr <= UPAGER_PAGING_A_MAX; attr++)
		if (paging->known & 1U << attr)
			figures_set(figures,
				    FIGURE_BUDGET_BYTES + attr - UPAGER_PAGING_A_BUDGET_BYTES,
				    paging->values[attr]);
	if (paging->known)
		figures_set(figures, FIGURE_REPORTED_AGE_MS,
			    div_u64(ktime_get_boottime_ns() - paging->reported_ns, NSEC_PER_MSEC));
	else
		figures_set(figures, FIGURE_REPORTED, 0);
	spin_unlock(&paging->lock);
}
