// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory/region.h"
#include "seed.h"

#define PAGES 700
#define BASE  0x555555555ULL

enum mark {
	NONE,
	KNOWN,
	FIXED
};

struct model {
	struct regions rs;
	uint64_t seed;
	uint8_t page[PAGES]; /* enum mark */
};

static pgno_t pg(uint32_t i)
{
	return (pgno_t){ BASE + i };
}

static uint8_t mark_of(const struct region *r)
{
	return !r ? NONE : r->fixed ? FIXED : KNOWN;
}

static void check(const struct model *m, const struct regions *rs)
{
	uint64_t nr_pages = 0;

	for (uint32_t i = 0; i < rs->nr; i++) {
		const struct region *r = &rs->at[i], *next = &rs->at[i + 1];

		assert_true(r->first.v < r->end.v);
		nr_pages += r->end.v - r->first.v;
		if (i + 1 == rs->nr)
			break;
		assert_true(r->end.v <= next->first.v);
		/* Neighbours are one region, unless one is fixed. */
		assert_true(r->end.v < next->first.v || r->fixed || next->fixed);
	}
	assert_int_equal(rs->nr_pages, nr_pages);
	for (uint32_t i = 0; i < PAGES; i++) {
		const struct region *r = region_find(rs, pg(i));

		assert_int_equal(mark_of(r), m->page[i]);
		assert_true(!r || (r->first.v <= pg(i).v && r->end.v > pg(i).v));
		nr_pages -= r != NULL;
	}
	assert_int_equal(nr_pages, 0);
}

/* The first region that ends after a page is that of the first known page from it on. */
static void check_next(const struct model *m)
{
	uint32_t next = PAGES;

	for (uint32_t i = PAGES; i-- > 0;) {
		const struct region *r = region_next(&m->rs, pg(i));

		if (m->page[i])
			next = i;
		if (next == PAGES)
			assert_null(r);
		else
			assert_ptr_equal(r, region_find(&m->rs, pg(next)));
	}
}

static void model_add(struct model *m, uint32_t first, uint32_t end)
{
	assert_int_equal(region_add(&m->rs, pg(first), pg(end)), 0);
	for (uint32_t i = first; i < end; i++)
		if (!m->page[i])
			m->page[i] = KNOWN;
}

static void model_cut(struct model *m, uint32_t first, uint32_t end)
{
	assert_int_equal(region_cut(&m->rs, pg(first), pg(end)), 0);
	if (first < end)
		memset(&m->page[first], NONE, end - first);
}

static void model_fix(struct model *m, uint32_t at)
{
	struct region *r = region_find(&m->rs, pg(at));

	if (!r)
		return;
	r->fixed = true;
	memset(&m->page[r->first.v - BASE], FIXED, r->end.v - r->first.v);
}

static void check_copy(const struct model *m)
{
	struct regions copy;

	assert_int_equal(regions_copy(&copy, &m->rs), 0);
	check(m, &copy);
	regions_fini(&copy);
	assert_int_equal(copy.nr, 0);
	check(m, &m->rs);
}

static void test_random_against_model(void **state)
{
	static struct model m;

	(void)state;
	regions_init(&m.rs);
	m.seed = seed_start(__func__);
	for (int step = 0; step < 20000; step++) {
		uint32_t nr = seed_below(&m.seed, seed_below(&m.seed, 10) ? 12 : PAGES);
		uint32_t first = seed_below(&m.seed, PAGES - nr + 1);

		switch (seed_below(&m.seed, 20)) {
		case 0:
			model_fix(&m, first % PAGES);
			break;
		case 1:
			check_copy(&m);
			break;
		case 2 ... 10:
			model_cut(&m, first, first + nr);
			break;
		default:
			model_add(&m, first, first + nr);
			break;
		}
		if (step % 5 == 0)
			check(&m, &m.rs);
		if (step % 50 == 0)
			check_next(&m);
	}
	regions_fini(&m.rs);
}

/* Far more of them than the first allocation holds, in the least favourable order. */
static void test_many(void **state)
{
	struct regions rs;

	(void)state;
	regions_init(&rs);
	for (uint64_t i = 5000; i-- > 0;)
		assert_int_equal(region_add(&rs, (pgno_t){ 2 * i }, (pgno_t){ 2 * i + 1 }), 0);
	assert_int_equal(rs.nr, 5000);
	assert_int_equal(rs.nr_pages, 5000);
	assert_int_equal(region_add(&rs, (pgno_t){ 0 }, (pgno_t){ 10000 }), 0);
	assert_int_equal(rs.nr, 1);
	assert_int_equal(rs.nr_pages, 10000);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(region_cut(&rs, (pgno_t){ 2 * i }, (pgno_t){ 2 * i + 1 }), 0);
	assert_int_equal(rs.nr, 5000);
	assert_int_equal(rs.nr_pages, 5000);
	assert_int_equal(region_cut(&rs, (pgno_t){ 0 }, (pgno_t){ 1ULL << 45 }), 0);
	assert_int_equal(rs.nr, 0);
	assert_int_equal(rs.nr_pages, 0);
	assert_null(region_next(&rs, (pgno_t){ 0 }));
	regions_fini(&rs);
}

/* A hole that is cut into a fixed region leaves two fixed ones; what fills it is not fixed. */
static void test_fixed(void **state)
{
	struct regions rs;

	(void)state;
	regions_init(&rs);
	assert_int_equal(region_add(&rs, pg(0), pg(100)), 0);
	region_find(&rs, pg(0))->fixed = true;
	assert_int_equal(region_cut(&rs, pg(40), pg(60)), 0);
	assert_true(region_find(&rs, pg(39))->fixed);
	assert_true(region_find(&rs, pg(60))->fixed);
	assert_int_equal(region_add(&rs, pg(30), pg(110)), 0);
	assert_int_equal(rs.nr, 4);
	assert_true(region_find(&rs, pg(39))->fixed);
	assert_false(region_find(&rs, pg(40))->fixed);
	assert_false(region_find(&rs, pg(59))->fixed);
	assert_true(region_find(&rs, pg(60))->fixed);
	assert_false(region_find(&rs, pg(100))->fixed);
	assert_int_equal(rs.nr_pages, 110);
	regions_fini(&rs);
}

static enum region_hint hint_at(const struct regions *rs, uint32_t at)
{
	const struct region *r = region_find(rs, pg(at));

	return r ? r->hint : (enum region_hint)99;
}

/* A hint stays with its part of a region when that is split, filled up, cut and moved. */
static void test_hints(void **state)
{
	struct regions rs;

	(void)state;
	regions_init(&rs);
	assert_int_equal(region_add(&rs, pg(0), pg(100)), 0);
	assert_int_equal(region_hint(&rs, pg(20), pg(40), REGION_PINNED), 0);
	assert_int_equal(rs.nr, 3);
	assert_int_equal(rs.nr_pages, 100);
	assert_int_equal(hint_at(&rs, 19), REGION_PLAIN);
	assert_int_equal(hint_at(&rs, 20), REGION_PINNED);
	assert_int_equal(hint_at(&rs, 39), REGION_PINNED);
	assert_int_equal(hint_at(&rs, 40), REGION_PLAIN);
	assert_int_equal(regions_hinted(&rs, REGION_PINNED), 20);
	/* Nothing but PLAIN takes the place of PINNED. */
	assert_int_equal(region_hint(&rs, pg(30), pg(60), REGION_RANDOM), 0);
	assert_int_equal(hint_at(&rs, 30), REGION_PINNED);
	assert_int_equal(hint_at(&rs, 59), REGION_RANDOM);
	assert_int_equal(hint_at(&rs, 60), REGION_PLAIN);
	/* A hole, and what fills it. */
	assert_int_equal(region_cut(&rs, pg(25), pg(35)), 0);
	assert_int_equal(region_add(&rs, pg(0), pg(100)), 0);
	assert_int_equal(hint_at(&rs, 24), REGION_PINNED);
	assert_int_equal(hint_at(&rs, 25), REGION_PLAIN);
	assert_int_equal(hint_at(&rs, 35), REGION_PINNED);
	assert_int_equal(rs.nr_pages, 100);
	/* Fixing a part leaves the hint; unfixing joins only what is alike. */
	assert_int_equal(region_fix(&rs, pg(36), pg(38)), 0);
	assert_int_equal(hint_at(&rs, 37), REGION_PINNED);
	regions_unfix(&rs);
	assert_int_equal(hint_at(&rs, 39), REGION_PINNED);
	assert_int_equal(hint_at(&rs, 40), REGION_RANDOM);
	/* Moved, with the hole between them. */
	assert_int_equal(region_cut(&rs, pg(22), pg(24)), 0);
	assert_int_equal(region_move(&rs, pg(20), pg(200), 30), 0);
	assert_false(region_covers(&rs, pg(20), pg(21)));
	assert_true(region_covers(&rs, pg(0), pg(20)));
	assert_false(region_covers(&rs, pg(200), pg(230)));
	assert_true(region_covers(&rs, pg(204), pg(230)));
	assert_int_equal(hint_at(&rs, 201), REGION_PINNED);
	assert_int_equal(hint_at(&rs, 204), REGION_PINNED);
	assert_int_equal(hint_at(&rs, 210), REGION_PLAIN);
	assert_int_equal(hint_at(&rs, 219), REGION_PINNED);
	assert_int_equal(hint_at(&rs, 229), REGION_RANDOM);
	assert_int_equal(hint_at(&rs, 50), REGION_RANDOM);
	assert_int_equal(rs.nr_pages, 98);
	assert_int_equal(region_hint(&rs, pg(0), pg(300), REGION_PLAIN), 0);
	assert_int_equal(regions_hinted(&rs, REGION_PINNED), 0);
	regions_fini(&rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
