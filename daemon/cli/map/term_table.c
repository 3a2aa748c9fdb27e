// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/term_table.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "cli/map/bars.h"
#include "cli/map/screen.h"
#include "cli/message.h"

#define LABEL_WIDTH 18

static void print_bar(const struct map_term *t, const struct map *m, enum map_bar bar,
		      const struct map_bars *bars)
{
	uint32_t room = t->width - 18, at = 0;
	uint64_t sum = 0, scale = bars->scale[bar];
	char size[SIZE_TEXT_BYTES];

	size_format(bars->bytes[bar], size, sizeof(size));
	printf("%-8s %7s%s", map_bar_name(bar), size, bars->bytes[bar] ? " " : "");
	for (int kind = 0; kind < MAP_KINDS && scale; kind++) {
		uint32_t to;

		sum += map_bar_part(m, bar, (enum map_kind)kind);
		to = (uint32_t)((double)room * (double)min_t(uint64_t, sum, scale) / (double)scale +
				0.5);
		if (at < to)
			term_colour(t, (enum map_kind)kind, MAP_PRIVATE);
		for (; at < to; at++)
			term_bar(t, (enum map_kind)kind);
	}
	term_plain(t);
	putchar('\n');
}

static void print_bars(const struct map_term *t, const struct map *m)
{
	struct map_bars bars;

	map_bars_find(m, &bars);
	for (int bar = 0; bar < MAP_BARS; bar++)
		print_bar(t, m, (enum map_bar)bar, &bars);
	if (bars.one_scale)
		return;
	term_dim(t);
	printf("%*s%s\n", t->width < MAP_TERM_NARROW ? 0 : 17, "",
	       "each bar to a scale of its own");
	term_plain(t);
}

/* A column of the table of sums. */
enum column {
	COLUMN_RESERVED,
	COLUMN_RESIDENT,
	COLUMN_FORKED,
	COLUMN_SHARED,
	COLUMN_STANDBY,
	COLUMN_SWAPPED,
	COLUMN_UNTOUCHED,
	COLUMN_LOCKED,
	COLUMNS,
};

/* So that all but the last fit into 80 columns. */
static const struct {
	const char *name;
	int width;
} columns[COLUMNS] = {
	[COLUMN_RESERVED] = { "RESERVED", 9 }, [COLUMN_RESIDENT] = { "RESIDENT", 9 },
	[COLUMN_FORKED] = { "FORKED", 8 },     [COLUMN_SHARED] = { "SHARED", 8 },
	[COLUMN_STANDBY] = { "STANDBY", 8 },   [COLUMN_SWAPPED] = { "SWAPPED", 8 },
	[COLUMN_LOCKED] = { "LOCKED", 8 },     [COLUMN_UNTOUCHED] = { "UNTOUCHED", 10 },
};

static uint64_t column_bytes(const struct map_sum *sum, enum column column)
{
	switch (column) {
	case COLUMN_RESERVED:
		return sum->bytes;
	case COLUMN_RESIDENT:
		return map_sum_resident_bytes(sum);
	case COLUMN_FORKED:
		return map_sum_bytes(sum, MAP_FORKED);
	case COLUMN_SHARED:
		return map_sum_bytes(sum, MAP_SHARED);
	case COLUMN_STANDBY:
		return map_sum_bytes(sum, MAP_STANDBY);
	case COLUMN_SWAPPED:
		return map_sum_swapped_bytes(sum);
	case COLUMN_UNTOUCHED:
		return map_sum_bytes(sum, MAP_UNTOUCHED);
	default:
		return sum->locked_bytes;
	}
}

/* What is zero everywhere has no column, nor has what there is no room for. */
static uint32_t choose(const struct map_term *t, const struct map_sum *all, enum column *chosen)
{
	int room = (int)t->width - LABEL_WIDTH - 2;
	uint32_t nr = 0;

	for (int c = 0; c < COLUMNS; c++) {
		if (columns[c].width > room ||
		    (c > COLUMN_RESIDENT && !column_bytes(all, (enum column)c)))
			continue;
		room -= columns[c].width;
		chosen[nr++] = (enum column)c;
	}
	return nr;
}

static void print_line(const struct map_sum *sum, const enum column *chosen, uint32_t nr)
{
	char size[SIZE_TEXT_BYTES];

	for (uint32_t i = 0; i < nr; i++) {
		uint64_t bytes = column_bytes(sum, chosen[i]);

		size_format(bytes, size, sizeof(size));
		printf("%*s", columns[chosen[i]].width, bytes ? size : "-");
	}
	putchar('\n');
}

static void print_table(const struct map_term *t, const struct map *m)
{
	enum column chosen[COLUMNS];
	struct map_sum all, sum;
	uint32_t nr;

	map_sum_all(m, &all);
	nr = choose(t, &all, chosen);
	term_dim(t);
	printf("  %-*s", LABEL_WIDTH, "TYPE");
	for (uint32_t i = 0; i < nr; i++)
		printf("%*s", columns[chosen[i]].width, columns[chosen[i]].name);
	term_plain(t);
	putchar('\n');
	for (int kind = 0; kind < MAP_KINDS; kind++)
		for (int segment = 0; segment < MAP_SEGMENTS; segment++) {
			char label[64];

			map_sum_kind(m, (enum map_kind)kind, (enum map_segment)segment, &sum);
			if (!sum.nr_regions)
				continue;
			map_label((enum map_kind)kind, (enum map_segment)segment, label,
				  sizeof(label));
			term_colour(t, (enum map_kind)kind, MAP_PRIVATE);
			term_bar(t, (enum map_kind)kind);
			term_plain(t);
			printf(" %-*s", LABEL_WIDTH, label);
			print_line(&sum, chosen, nr);
		}
	term_bold(t);
	printf("  %-*s", LABEL_WIDTH, "all");
	print_line(&all, chosen, nr);
	term_plain(t);
}

static void print_head(const struct map_term *t, const struct map *m)
{
	char hole[SIZE_TEXT_BYTES], comm[sizeof(m->comm)];
	uint64_t start, bytes = map_largest_hole(m, &start);

	snprintf(comm, sizeof(comm), "%s", m->comm);
	message_clean(comm);
	size_format(bytes, hole, sizeof(hole));
	term_bold(t);
	printf("%s (%d)", comm, m->pid);
	term_plain(t);
	printf(":%c%u mapping%s, largest free block %s", t->width < MAP_TERM_NARROW ? '\n' : ' ',
	       m->nr_regions, m->nr_regions == 1 ? "" : "s", hole);
	if (t->width >= MAP_TERM_NARROW)
		printf(" at %llx", (unsigned long long)start);
	printf("\n\n");
}

void term_table_print(const struct map_term *t, const struct map *m)
{
	print_head(t, m);
	print_bars(t, m);
	putchar('\n');
	print_table(t, m);
}
