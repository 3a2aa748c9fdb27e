// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/types.h"

#define SECONDS_MIN 0.1
#define SECONDS_MAX 86400

void top_view_init(struct top_view *v)
{
	*v = (struct top_view){ .sort = TOP_FAULTS, .delay_s = 1, .room = 1 };
}

static int compare_rows(const void *pa, const void *pb, void *context)
{
	const struct top_row *a = pa, *b = pb;
	const struct top_view *v = context;
	int order = top_column_compare(v->sort, a, b);

	if (v->reverse)
		order = -order;
	/* Those that are alike do not change places at every look. */
	return order ? order : (a->record.pid > b->record.pid) - (a->record.pid < b->record.pid);
}

static void select_row(struct top_view *v, const struct top_sample *s, uint32_t at)
{
	uint32_t room = v->room ? v->room : 1;

	v->at = s->nr ? min_t(uint32_t, at, s->nr - 1) : 0;
	v->selected = s->nr ? s->row[v->at].record.pid : 0;
	if (v->at < v->first)
		v->first = v->at;
	if (v->at >= v->first + room)
		v->first = v->at - room + 1;
	if (v->first + room > s->nr)
		v->first = s->nr > room ? s->nr - room : 0;
}

void top_view_arrange(struct top_view *v, struct top_sample *s)
{
	uint32_t at = v->at;

	if (s->nr)
		qsort_r(s->row, s->nr, sizeof(*s->row), compare_rows, v);
	for (uint32_t i = 0; v->follows && i < s->nr; i++)
		if (s->row[i].record.pid == v->selected)
			at = i;
	select_row(v, s, at);
}

void top_view_move(struct top_view *v, const struct top_sample *s, int rows)
{
	int64_t at = (int64_t)v->at + rows;

	v->follows = true;
	select_row(v, s, (uint32_t)min_t(int64_t, max_t(int64_t, at, 0), UINT32_MAX));
}

bool top_view_seconds(const char *text, double *seconds)
{
	char *end;
	double value = strtod(text, &end);

	/* Neither signs nor words, as strtod() takes them. */
	if (((*text < '0' || *text > '9') && *text != '.') || *end || value < SECONDS_MIN ||
	    value > SECONDS_MAX || strpbrk(text, "xXpP"))
		return false;
	*seconds = value;
	return true;
}
