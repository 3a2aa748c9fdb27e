// SPDX-License-Identifier: GPL-2.0-only
#include "cli/map/term.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "cli/map/layout.h"
#include "cli/map/term_table.h"
#include "cli/map/screen.h"
#include "cli/message.h"

/* Rows of a hole: one more for each so many doublings. */
#define ROW_DOUBLINGS 8

/* The columns of a row: address, title, size, resident, strip, users, and "locked". */
struct columns {
	int title;
	uint32_t strip;
	bool narrow; /* address, title, size and strip only */
};

#define ADDRESS_WIDTH 12
#define BYTES_WIDTH   8
#define USERS_WIDTH   6
#define LOCKED_WIDTH  7

static struct columns divide(const struct map_term *t)
{
	struct columns c = { .narrow = t->width < MAP_TERM_NARROW };
	int spare = (int)t->width - ADDRESS_WIDTH - BYTES_WIDTH - 3;

	if (!c.narrow)
		spare -= BYTES_WIDTH + 1 + USERS_WIDTH + LOCKED_WIDTH;
	c.title = min_t(int, max_t(int, spare / 2, c.narrow ? 11 : 15), 36);
	c.strip = (uint32_t)max_t(int, spare - c.title, 4);
	return c;
}

/* Returns how many columns it took. */
static uint32_t print_strip(const struct map_term *t, const struct map *m,
			    const struct map_item *item, const struct columns *c)
{
	uint32_t length = map_item_length(m, item, min_t(uint32_t, c->strip, MAP_CELLS_MAX));
	struct map_part part[MAP_CELLS_MAX];

	/* Where nothing can be touched there is nothing to tell. */
	if (item->kind == MAP_GUARD)
		return 0;
	map_item_parts(m, item, part, length);
	putchar(' ');
	for (uint32_t i = 0; i < length; i++) {
		enum map_state state = map_part_state(&part[i]);

		term_colour(t, part[i].kind, state);
		term_state(t, state, map_part_resident(&part[i]) < 0.5);
	}
	term_plain(t);
	return 1 + length;
}

/* How many processes map it; blanks up to there only if something follows. */
static void print_users(const struct map *m, const struct map_item *item, uint32_t blanks,
			bool locked)
{
	uint32_t object = m->region[item->first].object;
	uint32_t users = object == MAP_NO_OBJECT ? 0 : m->object[object].processes;

	if (users)
		printf("%*s%*u", (int)blanks, "", USERS_WIDTH, users);
	else if (locked)
		printf("%*s", (int)blanks + USERS_WIDTH, "");
	puts(locked ? " locked" : "");
}

static void print_mapped(const struct map_term *t, const struct map *m, const struct map_item *item,
			 const struct columns *c)
{
	char title[256], size[SIZE_TEXT_BYTES], resident[SIZE_TEXT_BYTES];
	struct map_sum sum;
	uint32_t strip;

	map_item_title(m, item, title, sizeof(title));
	map_item_sum(m, item, &sum);
	size_format(sum.bytes, size, sizeof(size));
	size_format(map_sum_resident_bytes(&sum), resident, sizeof(resident));
	printf("%*llx ", ADDRESS_WIDTH, (unsigned long long)item->start);
	term_colour(t, item->kind, MAP_PRIVATE);
	term_fit(title, c->title);
	term_plain(t);
	printf(" %*s", BYTES_WIDTH, size);
	if (!c->narrow)
		printf(" %*s", BYTES_WIDTH, resident);
	strip = print_strip(t, m, item, c);
	if (c->narrow)
		putchar('\n');
	else
		print_users(m, item, 1 + c->strip - strip, sum.locked_bytes);
}

static void print_hole(const struct map_term *t, const struct map *m, const struct map_item *item)
{
	uint32_t rows = 1 + (uint32_t)map_log(item->end - item->start) / ROW_DOUBLINGS;
	char note[128], size[SIZE_TEXT_BYTES];

	map_item_note(m, item, note, sizeof(note));
	size_format(item->end - item->start, size, sizeof(size));
	if (ADDRESS_WIDTH + strlen(note) + strlen(size) + strlen("  free: ") > t->width)
		note[0] = '\0';
	for (uint32_t i = 0; i < rows; i++) {
		term_dim(t);
		printf("%*s%s", ADDRESS_WIDTH - 1, "", t->utf8 ? "┊" : ":");
		if (i == (rows - 1) / 2)
			printf(" %s free%s%s", size, note[0] ? ": " : "", note);
		term_plain(t);
		putchar('\n');
	}
}

static void print_heading(const struct map_term *t, const struct columns *c)
{
	term_dim(t);
	printf("%*s %-*s %*s", ADDRESS_WIDTH, "ADDRESS", c->title, "WHAT", BYTES_WIDTH, "SIZE");
	if (c->narrow)
		puts(" PAGES");
	else
		printf(" %*s %-*s%*s\n", BYTES_WIDTH, "RESIDENT", (int)c->strip, "PAGES",
		       USERS_WIDTH, "USERS");
	term_plain(t);
}

int map_term_print(const struct map_term *t, const struct map *m)
{
	struct columns c = divide(t);
	struct map_layout l;
	int err = map_layout_init(&l, m);

	if (err)
		return err;
	term_table_print(t, m);
	putchar('\n');
	print_heading(t, &c);
	for (uint32_t i = 0; i < l.nr; i++)
		if (l.item[i].nr_regions)
			print_mapped(t, m, &l.item[i], &c);
		else
			print_hole(t, m, &l.item[i]);
	map_layout_fini(&l);
	putchar('\n');
	term_legend(t, m);
	return 0;
}
