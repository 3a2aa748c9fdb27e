// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/term.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"

#define WIDTH	    80
#define LABEL_WIDTH 32
#define CELL_WIDTH  12
/* Where there is but one value. */
#define LABEL_ALONE 44
#define STRIP_LABEL 18

static void print_wrapped(const char *first, const char *indent, const char *text)
{
	size_t column = strlen(first);

	fputs(first, stdout);
	for (bool begin = true; *text; begin = false) {
		size_t word = strcspn(text, " ");

		if (!begin && column + 1 + word > WIDTH) {
			printf("\n%s", indent);
			column = strlen(indent);
			begin = true;
		}
		column += (size_t)printf("%s%.*s", begin ? "" : " ", (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_table(const struct map_term *t, const struct tour_item *item)
{
	term_dim(t);
	printf("%-*s", item->nr ? LABEL_WIDTH : 0, item->text);
	for (uint32_t i = 0; i < item->nr; i++)
		printf("%*s", CELL_WIDTH, item->heading[i]);
	if (item->nr || item->text[0])
		putchar('\n');
	term_plain(t);
}

static void print_bar(const struct map_term *t, double part, int room)
{
	int length = (int)lround(part * room);

	term_colour(t, MAP_LIBRARY, MAP_PRIVATE);
	for (int i = 0; i < length || (!i && part > 0); i++)
		fputs(t->utf8 ? "█" : "#", stdout);
	term_plain(t);
}

static void print_row(const struct map_term *t, const struct tour_page *p, uint32_t row)
{
	const struct tour_item *item = &p->item[row];
	char text[64];

	printf("%-*s", item->nr > 1 ? LABEL_WIDTH : LABEL_ALONE, item->text);
	for (uint32_t i = 0; i < item->nr; i++) {
		tour_format(&item->value[i], text, sizeof(text));
		printf("%*s", CELL_WIDTH, text);
	}
	if (item->bar < item->nr) {
		fputs("  ", stdout);
		print_bar(t, tour_bar_part(p, row),
			  WIDTH - LABEL_WIDTH - (int)item->nr * CELL_WIDTH - 2);
	}
	putchar('\n');
}

static void print_strip(const struct map_term *t, const struct tour_item *item)
{
	char resident[SIZE_TEXT_BYTES];

	size_format(item->strip.resident_bytes, resident, sizeof(resident));
	term_fit(item->text, STRIP_LABEL);
	printf(" %8s ", resident);
	for (uint32_t i = 0; i < item->strip.nr_parts; i++) {
		term_colour(t, item->strip.part[i].kind, item->strip.part[i].state);
		term_state(t, item->strip.part[i].state, item->strip.part[i].little);
	}
	term_plain(t);
	putchar('\n');
}

/* Behind the last of some strips: what their signs mean. */
static void print_legend(const struct map_term *t, const struct tour_page *p, uint32_t last)
{
	bool seen[MAP_STATES] = { false };
	const char *between = "";

	for (uint32_t i = last + 1; i && p->item[i - 1].kind == TOUR_STRIP; i--)
		for (uint32_t k = 0; k < p->item[i - 1].strip.nr_parts; k++)
			seen[p->item[i - 1].strip.part[k].state] = true;
	term_dim(t);
	for (int s = 0; s < MAP_STATES; s++) {
		if (!seen[s])
			continue;
		fputs(between, stdout);
		term_state(t, (enum map_state)s, false);
		printf(" %s", map_state_name((enum map_state)s));
		between = "   ";
	}
	term_plain(t);
	putchar('\n');
}

/* What is alike stands together; a blank line before what is not. */
static bool begins_block(const struct tour_page *p, uint32_t i)
{
	enum tour_kind kind = p->item[i].kind;

	if (!i)
		return false;
	return kind == TOUR_TABLE || kind == TOUR_TEXT ||
	       (kind != p->item[i - 1].kind && p->item[i - 1].kind != TOUR_TABLE);
}

static void print_item(const struct map_term *t, const struct tour_page *p, uint32_t i)
{
	const struct tour_item *item = &p->item[i];
	bool last = i + 1 == p->nr_items || p->item[i + 1].kind != item->kind;

	switch (item->kind) {
	case TOUR_TEXT:
		print_wrapped("", "", item->text);
		break;
	case TOUR_TABLE:
		print_table(t, item);
		break;
	case TOUR_ROW:
		print_row(t, p, i);
		break;
	case TOUR_STRIP:
		print_strip(t, item);
		if (last)
			print_legend(t, p, i);
		break;
	case TOUR_COMMAND:
		printf("  $ %s\n", item->text);
		break;
	case TOUR_MORE:
		print_wrapped("+ ", "  ", item->text);
	}
}

void tour_term_print(const struct map_term *t, const struct tour_page *p)
{
	term_bold(t);
	printf("%s: %s\n", p->name, p->title);
	term_plain(t);
	for (uint32_t i = 0; i < p->nr_items; i++) {
		if (begins_block(p, i))
			putchar('\n');
		print_item(t, p, i);
	}
	if (p->skipped)
		print_wrapped("not measured: ", "  ", p->skipped);
}
