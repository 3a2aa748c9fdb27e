// SPDX-License-Identifier: GPL-2.0-only
#include "cow.h"
#include "probes.h"
#include "registry.h"

/* Without these features a count would be zero and a lie. */
static const u64 counts_need[NR_FIGURES] = {
	[FIGURE_COPIES] = UPAGER_FEATURE_COPIES,
	[FIGURE_REUSES_WITHOUT_COPY] = UPAGER_FEATURE_REUSES,
	[FIGURE_ZERO_FIRST_WRITES] = UPAGER_FEATURE_ZERO_WRITES,
	[FIGURE_FILE_FIRST_WRITES] = UPAGER_FEATURE_FILE_WRITES,
	[FIGURE_HUGE_BREAKS] = UPAGER_FEATURE_HUGE_BREAKS,
	[FIGURE_BYTES_COPIED] = UPAGER_FEATURE_COPIES | UPAGER_FEATURE_FILE_WRITES,
	[FIGURE_CHILDREN_COPIES] = UPAGER_FEATURE_COPIES,
	[FIGURE_CHILDREN_REUSES] = UPAGER_FEATURE_REUSES,
	[FIGURE_CHILDREN_BYTES_COPIED] = UPAGER_FEATURE_COPIES | UPAGER_FEATURE_FILE_WRITES,
};

/* Of ended children the counts of the process itself tell; the living ones are added. */
static void add_member(struct tracked *member, bool is_root, void *data)
{
	u64 *values = data;
	enum figure figure;

	if (!is_root) {
		tracked_add_child(member, values);
		return;
	}
	for (figure = FIGURE_COPIES; figure <= FIGURE_CHILDREN_BYTES_COPIED; figure++)
		values[figure] = tracked_read(member, figure);
}

void cow_figures(struct figures *figures, struct tracked *tracked)
{
	u64 features = probes_features();
	enum figure figure;

	registry_for_family(tracked, add_member, figures->values);
	for (figure = FIGURE_COPIES; figure <= FIGURE_CHILDREN_BYTES_COPIED; figure++)
		if ((features & counts_need[figure]) == counts_need[figure])
			__set_bit(figure, figures->known);
}
