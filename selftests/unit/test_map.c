// SPDX-License-Identifier: GPL-2.0-only
/* The model of `upager map`: what smaps becomes, and how it is cut into what is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/map/kind.h"
#include "cli/map/layout.h"
#include "cli/map/report.h"
#include "cli/map/smaps.h"
#include "seed.h"

#define SPACE_BYTES ((1ULL << 47) - PAGE_SIZE)

static const char smaps_text[] =
	"400000-401000 r--p 00000000 fe:01 7   /bin/a b\n"
	"Rss:                   4 kB\n"
	"Pss:                   2 kB\n"
	"Shared_Clean:          4 kB\n"
	"VmFlags: rd mr mw me\n"
	"401000-402000 r-xp 00001000 fe:01 7   /bin/a b\n"
	"VmFlags: rd ex\n"
	"402000-403000 rw-p 00002000 fe:01 7   /bin/a b\n"
	"Locked:                4 kB\n"
	"VmFlags: rd wr lo\n"
	"403000-405000 rw-p 00000000 00:00 0 \n"
	"500000-508000 rw-p 00000000 00:00 0   [heap]\n"
	"508000-510000 rw-p 00000000 00:00 0   [heap]\n"
	"Swap:                 12 kB\n"
	"7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
	"7f0000001000-7f0000002000 rw-p 00000000 00:00 0 \n"
	"VmFlags: rd wr um\n"
	"7f0000002000-7f0000003000 r-xp 00000000 fe:01 8   /lib/x\\012y.so\n"
	"7f0000003000-7f0000004000 ---p 00001000 fe:01 8   /lib/x\\012y.so\n"
	"7f0000004000-7f0000005000 rw-p 00001000 fe:01 8   /lib/x\\012y.so\n"
	"7f0000006000-7f0000007000 r--p 00000000 fe:01 9   /data\n"
	"7f0000007000-7f0000008000 rw-s 00000000 00:01 9   /memfd:m (deleted)\n"
	"7f0000010000-7f0000011000 rw-s 00000000 00:01 4   /memfd:upager-agent (deleted)\n"
	"7f0000011000-7f0000012000 ---p 00000000 00:00 0 \n"
	"7f0000012000-7f0000032000 rw-p 00000000 00:00 0 \n"
	"7f0000031000-7f0000033000 rw-p 00000000 00:00 0   [overlaps]\n"
	"no header\n"
	"7ffff0000000-7ffff0001000 r-xp 00000000 00:00 0   [vdso]\n"
	"7ffffff00000-7ffffff10000 rw-p 00000000 00:00 0   [stack]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]\n";

static void read_text(struct map *m, const char *text)
{
	FILE *f = fmemopen((char *)text, strlen(text), "r");

	*m = (struct map){ .space_bytes = SPACE_BYTES, .brk = 0x510000 };
	assert_non_null(f);
	assert_int_equal(map_smaps_read(f, m), 0);
	fclose(f);
	assert_int_equal(map_kinds_find(m, "/bin/a b"), 0);
}

static void test_smaps(void **state)
{
	struct map m;

	(void)state;
	read_text(&m, smaps_text);
	assert_int_equal(m.nr_regions, 18);
	assert_string_equal(m.region[0].name, "/bin/a b");
	assert_int_equal(m.region[0].rss_bytes, 4096);
	assert_int_equal(m.region[0].pss_bytes, 2048);
	assert_int_equal(m.region[0].shared_bytes, 4096);
	assert_int_equal(m.region[1].offset, 4096);
	assert_true(m.region[2].locked);
	assert_false(m.region[1].locked);
	assert_int_equal(m.region[5].swap_bytes, 12288);
	assert_true(m.region[7].uffd);
	assert_string_equal(m.region[8].name, "/lib/x\ny.so");
	assert_string_equal(m.region[17].name, "[stack]");
	map_free(&m);
}

static void test_kinds(void **state)
{
	static const struct {
		enum map_kind kind;
		enum map_segment segment;
	} want[] = {
		{ MAP_PROGRAM, MAP_RODATA },	  { MAP_PROGRAM, MAP_TEXT },
		{ MAP_PROGRAM, MAP_DATA },	  { MAP_PROGRAM, MAP_BSS },
		{ MAP_HEAP, MAP_WHOLE },	  { MAP_HEAP, MAP_WHOLE },
		{ MAP_GUARD, MAP_WHOLE },	  { MAP_ANONYMOUS, MAP_WHOLE },
		{ MAP_LIBRARY, MAP_TEXT },	  { MAP_GUARD, MAP_WHOLE },
		{ MAP_LIBRARY, MAP_DATA },	  { MAP_FILE, MAP_WHOLE },
		{ MAP_SHARED_MEMORY, MAP_WHOLE }, { MAP_PAGER, MAP_WHOLE },
		{ MAP_PAGER, MAP_WHOLE },	  { MAP_PAGER, MAP_WHOLE },
		{ MAP_KERNEL, MAP_WHOLE },	  { MAP_STACK, MAP_WHOLE },
	};
	struct map m;

	(void)state;
	read_text(&m, smaps_text);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(m.region[i].kind, want[i].kind);
		assert_int_equal(m.region[i].segment, want[i].segment);
	}
	assert_int_equal(m.nr_objects, 2);
	map_free(&m);
}

/* From the highest address down without a gap, and every region in exactly one. */
static void check_layout(const struct map *m, const struct map_layout *l)
{
	uint64_t end = m->space_bytes;
	uint32_t region = m->nr_regions;

	for (uint32_t i = 0; i < l->nr; i++) {
		const struct map_item *item = &l->item[i];

		assert_int_equal(item->end, end);
		assert_true(item->start < item->end);
		end = item->start;
		if (!item->nr_regions)
			continue;
		assert_int_equal(item->first + item->nr_regions, region);
		assert_int_equal(item->start, m->region[item->first].start);
		assert_int_equal(item->end, m->region[region - 1].end);
		region = item->first;
	}
	assert_int_equal(end, 0);
	assert_int_equal(region, 0);
}

static void test_layout(void **state)
{
	static const uint32_t nr[] = { 0, 1, 0, 1, 0, 3, 0, 1, 1, 0, 3, 1, 1, 0, 2, 0, 4, 0 };
	struct map_layout l;
	struct map m;

	(void)state;
	read_text(&m, smaps_text);
	assert_int_equal(map_layout_init(&l, &m), 0);
	check_layout(&m, &l);
	assert_int_equal(l.nr, ARRAY_SIZE(nr));
	for (uint32_t i = 0; i < l.nr; i++)
		assert_int_equal(l.item[i].nr_regions, nr[i]);
	assert_true(l.item[2].for_stack && !l.item[2].for_heap);
	assert_true(l.item[13].for_heap && !l.item[13].for_stack);
	map_layout_fini(&l);
	map_free(&m);
}

static void test_report(void **state)
{
	struct report r;
	struct map m;

	(void)state;
	read_text(&m, smaps_text);
	assert_int_equal(map_report(&m, &r), 0);
	assert_int_equal(report_number(&r, REPORT_HOLES, 0, "holes_count"), 8);
	assert_int_equal(report_number(&r, REPORT_HOLES, 0, "holes_bytes") +
				 report_number(&r, REPORT_HOLES, 0, "mapped_bytes"),
			 SPACE_BYTES);
	assert_int_equal(report_number(&r, REPORT_HOLES, 0, "heap_hole_bytes"),
			 0x7f0000000000 - 0x510000);
	assert_int_equal(r.items[REPORT_HOLES].nr, 8);
	assert_int_equal(r.items[REPORT_LIBS].nr, 2);
	assert_string_equal(report_text(&r, REPORT_LIBS, 2, "object_path"), "/lib/x\ny.so");
	assert_string_equal(report_text(&r, REPORT_LIBS, 2, "object_start"), "0x7f0000002000");
	report_fini(&r);
	map_free(&m);
}

static uint64_t random_seed = 1;

static uint32_t below(uint32_t limit)
{
	return seed_below(&random_seed, limit);
}

/* A map of regions of random sizes, with random pages in random states. */
static void make_random(struct map *m)
{
	uint64_t at = 0;

	*m = (struct map){ .space_bytes = SPACE_BYTES, .nr_regions = 1 + below(50) };
	m->region = calloc(m->nr_regions, sizeof(*m->region));
	for (uint32_t i = 0; i < m->nr_regions; i++) {
		struct map_region *r = &m->region[i];
		uint64_t pages = 1 + below(2u << below(20));

		at += below(3) ? below(1u << 20) * PAGE_SIZE : 0;
		*r = (struct map_region){ .start = at,
					  .end = at + pages * PAGE_SIZE,
					  .kind = MAP_ANONYMOUS,
					  .object = MAP_NO_OBJECT,
					  .name = strdup(""),
					  .perms = "rw-p" };
		at = r->end;
		r->pages[MAP_UNTOUCHED] = pages;
		assert_int_equal(map_region_make_cells(r, m->nr_regions), 0);
		for (uint32_t n = below(20); n; n--)
			map_region_mark(r, below((uint32_t)pages), 1 + below((uint32_t)pages),
					(enum map_state)below(MAP_UNTOUCHED));
	}
}

static void check_region(const struct map_region *r)
{
	uint64_t sum = 0, cells[MAP_STATES] = { 0 };

	for (uint32_t i = 0; i < r->nr_cells; i++) {
		uint64_t in_cell = 0;

		for (int s = 0; s < MAP_STATES; s++) {
			cells[s] += r->cells[i].pages[s];
			in_cell += r->cells[i].pages[s];
		}
		assert_int_equal(in_cell, map_cell_first(r, i + 1) - map_cell_first(r, i));
	}
	for (int s = 0; s < MAP_STATES; s++) {
		assert_int_equal(cells[s], r->pages[s]);
		sum += r->pages[s];
	}
	assert_int_equal(sum, map_region_pages(r));
}

/* However an item is cut, its parts are all of its pages. */
static void check_parts(const struct map *m, const struct map_item *item)
{
	struct map_part part[MAP_CELLS_MAX];
	uint32_t nr = 1 + below(MAP_CELLS_MAX);
	struct map_sum sum;

	map_item_sum(m, item, &sum);
	map_item_parts(m, item, part, nr);
	for (int s = 0; s < MAP_STATES; s++) {
		double pages = 0;

		for (uint32_t i = 0; i < nr; i++) {
			assert_true(part[i].pages[s] >= 0);
			pages += part[i].pages[s];
		}
		assert_true(fabs(pages - (double)sum.pages[s]) < 0.01);
	}
	for (uint32_t i = 0; i < nr; i++)
		assert_true(map_part_resident(&part[i]) <= 1.000001);
}

static void test_random(void **state)
{
	(void)state;
	random_seed = seed_start("test_map");
	for (int n = 0; n < 300; n++) {
		struct map_layout l;
		struct map m;

		make_random(&m);
		for (uint32_t i = 0; i < m.nr_regions; i++)
			check_region(&m.region[i]);
		assert_int_equal(map_layout_init(&l, &m), 0);
		check_layout(&m, &l);
		for (uint32_t i = 0; i < l.nr; i++)
			if (l.item[i].nr_regions)
				check_parts(&m, &l.item[i]);
		map_layout_fini(&l);
		map_free(&m);
	}
}

/* Larger is longer, to the end of the scale, and a page is one column. */
static void test_length(void **state)
{
	struct map m;
	uint32_t last = 0;

	(void)state;
	make_random(&m);
	for (uint64_t pages = 1; pages < 1ULL << 34; pages *= 2) {
		struct map_item item = { .start = 0, .end = pages * PAGE_SIZE, .nr_regions = 1 };
		uint32_t length = map_item_length(&m, &item, 60);

		assert_true(length >= last && length >= 1 && length <= 60 && length <= pages);
		last = length;
	}
	assert_int_equal(last, 60);
	map_free(&m);
}

static void test_mark(void **state)
{
	struct map_region r = { .start = 0, .end = 10 * PAGE_SIZE, .pages[MAP_UNTOUCHED] = 10 };

	(void)state;
	assert_int_equal(map_region_make_cells(&r, 1), 0);
	assert_int_equal(r.nr_cells, 10);
	map_region_mark(&r, 2, 3, MAP_PRIVATE);
	/* What was found once is not found again, and nothing lies behind the end. */
	map_region_mark(&r, 4, 100, MAP_SWAPPED);
	assert_int_equal(r.pages[MAP_PRIVATE], 3);
	assert_int_equal(r.pages[MAP_SWAPPED], 5);
	assert_int_equal(r.pages[MAP_UNTOUCHED], 2);
	assert_int_equal(r.cells[4].pages[MAP_PRIVATE], 1);
	assert_int_equal(r.cells[4].pages[MAP_SWAPPED], 0);
	check_region(&r);
	free(r.cells);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smaps),  cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_layout), cmocka_unit_test(test_report),
		cmocka_unit_test(test_random), cmocka_unit_test(test_length),
		cmocka_unit_test(test_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
