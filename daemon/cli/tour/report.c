// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/report.h"

#include <math.h>

#include "cli/json.h"
#include "cli/map/model.h"

static json_t *number(double value)
{
	return value == floor(value) && fabs(value) < 9e15 ? json_integer((json_int_t)value)
							   : json_real(value);
}

static void add_records(json_t *records, const struct tour_item *item)
{
	for (uint32_t i = 0; i < item->nr; i++)
		if (item->value[i].name)
			json_array_append_new(
				records, json_pack("{s:s, s:o, s:s}", "name", item->value[i].name,
						   "value", number(item->value[i].value), "unit",
						   tour_unit_name(item->value[i].unit)));
}

static json_t *picture(const struct tour_item *item)
{
	json_t *parts = json_array();

	for (uint32_t i = 0; i < item->strip.nr_parts; i++)
		json_array_append_new(parts, json_string(map_state_key(item->strip.part[i].state)));
	return json_pack("{s:o, s:o, s:o}", "label", json_text(item->text), "resident_bytes",
			 json_count(item->strip.resident_bytes), "parts", parts);
}

json_t *tour_report(const struct tour_page *p)
{
	json_t *root =
		json_pack("{s:s, s:s, s:[], s:[], s:[], s:[], s:[]}", "name", p->name, "title",
			  p->title, "records", "text", "pictures", "commands", "more");

	if (!root)
		return NULL;
	for (uint32_t i = 0; i < p->nr_items; i++) {
		const struct tour_item *item = &p->item[i];

		switch (item->kind) {
		case TOUR_TEXT:
			json_array_append_new(json_object_get(root, "text"), json_text(item->text));
			break;
		case TOUR_TABLE:
			break;
		case TOUR_ROW:
			add_records(json_object_get(root, "records"), item);
			break;
		case TOUR_STRIP:
			json_array_append_new(json_object_get(root, "pictures"), picture(item));
			break;
		case TOUR_COMMAND:
			json_array_append_new(json_object_get(root, "commands"),
					      json_text(item->text));
			break;
		case TOUR_MORE:
			json_array_append_new(json_object_get(root, "more"), json_text(item->text));
		}
	}
	if (p->skipped)
		json_object_set_new(root, "skipped", json_text(p->skipped));
	return root;
}
