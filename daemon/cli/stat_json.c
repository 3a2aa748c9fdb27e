// SPDX-License-Identifier: GPL-2.0-only
#include "cli/stat_json.h"

#include "cli/json.h"

int stat_json_print(const struct report *report)
{
	static const char *const names[REPORT_GROUPS] = {
		[REPORT_HOLES] = "holes",
		[REPORT_LIBS] = "libs",
		[REPORT_COW] = "cow",
		[REPORT_PAGING] = "paging",
	};
	json_t *root = json_object(), *lists[REPORT_GROUPS], *groups[REPORT_GROUPS];
	json_t *item = NULL;

	for (size_t i = 0; i < REPORT_GROUPS; i++) {
		groups[i] = names[i] ? json_object() : root;
		lists[i] = i == REPORT_HOLES || i == REPORT_LIBS || report->items[i].nr
				   ? json_array()
				   : NULL;
	}
	for (size_t i = 0; i < report->nr_lines; i++) {
		const struct report_line *line = &report->line[i];
		bool begins = line->item && report->items[line->group].at[line->item - 1] == i;
		json_t *to = groups[line->group];

		if (begins) {
			item = json_object();
			json_array_append_new(lists[line->group], item);
		}
		if (line->item)
			to = item;
		json_object_set_new(to, line->key,
				    line->is_number ? json_count(line->number)
						    : json_text(line->value));
	}
	for (size_t i = 0; i < REPORT_GROUPS; i++) {
		if (lists[i])
			json_object_set_new(groups[i], "list", lists[i]);
		if (names[i])
			json_object_set_new(root, names[i], groups[i]);
	}
	return json_print(root);
}
