// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/bss.h"

#include <stdlib.h>
#include <string.h>

#include "cli/map/report.h"
#include "cli/stat_segments.h"

/* The region that starts an object's mappings in the report. */
static uint32_t object_at(const struct map *m, uint64_t start)
{
	for (uint32_t i = 0; i < m->nr_regions; i++)
		if (m->region[i].start == start)
			return m->region[i].object;
	return MAP_NO_OBJECT;
}

static void check(struct map *m, uint32_t object, uint64_t bss_bytes)
{
	for (uint32_t i = 0; i < m->nr_regions; i++) {
		struct map_region *r = &m->region[i];

		if (r->segment == MAP_BSS && r->object == object && !r->name[0] &&
		    map_region_bytes(r) > bss_bytes + PAGE_SIZE) {
			r->kind = MAP_ANONYMOUS;
			r->segment = MAP_WHOLE;
			r->object = MAP_NO_OBJECT;
		}
	}
}

int map_bss_check(struct map *m)
{
	struct report report;
	int err = map_report(m, &report) ?: stat_segments_add(m->pid, &report);

	if (err)
		return err;
	for (uint32_t i = 1; i <= report.items[REPORT_LIBS].nr; i++) {
		const char *start = report_text(&report, REPORT_LIBS, i, "object_start");

		if (report_find(&report, REPORT_LIBS, i, "bss_bytes"))
			check(m, object_at(m, strtoull(start, NULL, 16)),
			      report_number(&report, REPORT_LIBS, i, "bss_bytes"));
	}
	report_fini(&report);
	return 0;
}
