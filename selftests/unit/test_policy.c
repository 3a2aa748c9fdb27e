// SPDX-License-Identifier: GPL-2.0-only
#include "evict/victims.h"
#include "space_fixture.h"

#define PAGES	 4000
#define FIRST	 (1ULL << 33)
#define MAX_RUNS 64

struct model {
	struct space_fixture *f;
	uint64_t seed;
	struct page page[PAGES];
	bool registered[PAGES];
	bool fixed[PAGES]; /* by its region or as a thread's page */
	struct run run[MAX_RUNS];
};

static pgno_t at(uint32_t i)
{
	return (pgno_t){ FIRST + i };
}

static void set_page(struct model *m, uint32_t i, struct page p)
{
	assert_int_equal(
		table_set(m->f->pg.tables, m->f->sp->worker.root, at(i), page_entry_pack(p)), 0);
	m->page[i] = p;
}

static bool may_go(const struct model *m, uint32_t i)
{
	return m->page[i].state == PAGE_RESIDENT && m->registered[i] && !m->fixed[i];
}

static struct model *model_new(void **state, const char *name)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->f = *state;
	m->seed = seed_start(name);
	return m;
}

static void add_region(struct model *m, uint32_t first, uint32_t end, bool fixed)
{
	assert_int_equal(region_add(&m->f->sp->locked.regions, at(first), at(end)), 0);
	region_find(&m->f->sp->locked.regions, at(first))->fixed = fixed;
	for (uint32_t i = first; i < end; i++) {
		m->registered[i] = true;
		m->fixed[i] = fixed;
	}
}

/* Regions of random length, some fixed, with holes; pages in every state. */
static void choose_layout(struct model *m)
{
	uint32_t holes = 1 + seed_below(&m->seed, 4);

	for (uint32_t i = 0; i < PAGES;) {
		uint32_t end = min_t(uint32_t, PAGES, i + 1 + seed_below(&m->seed, 300));

		add_region(m, i, end, seed_below(&m->seed, 5) == 0);
		i = end + 1 + (seed_below(&m->seed, 3) ? 0 : seed_below(&m->seed, 600));
	}
	for (uint32_t i = 0; i < PAGES; i++) {
		struct page p = { .state = PAGE_RESIDENT, .age = (uint8_t)seed_below(&m->seed, 4) };

		if (!seed_below(&m->seed, holes))
			p = (struct page){ .state = (enum page_state)seed_below(&m->seed,
										__PAGE_STATES) };
		set_page(m, i, p);
	}
}

/* Seen in this round or the one before: they stay.  One of an older round may go. */
static void choose_exit_pages(struct model *m)
{
	struct exit_pages *ep = &m->f->sp->worker.exit_pages;

	ep->round = 7;
	ep->since = 6;
	for (uint32_t round = 5; round <= 7; round++) {
		uint32_t n = seed_below(&m->seed, PAGES);

		assert_non_null(page_stamps_set(&ep->pages, at(n), round, 5));
		m->fixed[n] |= round >= 6;
	}
}

/* Checks one answer against the contract and takes the victims; their number. */
static uint32_t call(struct model *m, uint32_t nr_pages, uint32_t run_pages, uint32_t max_runs)
{
	struct space_fixture *f = m->f;
	uint32_t n = victims_choose(&f->pg, f->sp, nr_pages, run_pages, m->run, max_runs);
	uint64_t next = 0;
	uint32_t total = 0;

	assert_true(n <= max_runs);
	for (uint32_t r = 0; r < n; r++) {
		struct run run = m->run[r];

		assert_in_range(run.nr_pages, 1, run_pages);
		/* Ascending, so none twice; and what touches is one run, unless that is full. */
		assert_true(run.first.v > next || m->run[r ? r - 1 : 0].nr_pages == run_pages ||
			    !r);
		assert_true(run.first.v >= next);
		next = run.first.v + run.nr_pages;
		total += run.nr_pages;
		for (uint32_t k = 0; k < run.nr_pages; k++) {
			uint32_t i = (uint32_t)(run.first.v + k - FIRST);

			assert_true(i < PAGES && may_go(m, i));
			assert_int_equal(page_read(&f->pg, f->sp, at(i)).age, 0);
		}
	}
	assert_true(total <= nr_pages);
	/* States are the caller's to change. */
	for (uint32_t i = 0; i < PAGES; i++) {
		struct page p = page_read(&f->pg, f->sp, at(i));

		assert_int_equal(p.state, m->page[i].state);
		assert_true(p.age <= m->page[i].age);
		m->page[i].age = p.age;
	}
	for (uint32_t r = 0; r < n; r++)
		for (uint32_t k = 0; k < m->run[r].nr_pages; k++)
			set_page(m, (uint32_t)(m->run[r].first.v + k - FIRST),
				 (struct page){ .state = PAGE_DETACHING });
	return total;
}

/* All that may go goes, whatever the size of the calls, and nothing else. */
static void test_all_that_may_go(void **state)
{
	struct model *m = model_new(state, __func__);
	uint32_t left = 0, got;

	choose_layout(m);
	choose_exit_pages(m);
	m->f->sp->policy.hand.v = FIRST + seed_below(&m->seed, PAGES);
	for (uint32_t i = 0; i < PAGES; i++)
		left += may_go(m, i);
	assert_true(left);
	do {
		got = call(m, 1 + seed_below(&m->seed, 200), 1 + seed_below(&m->seed, 64),
			   1 + seed_below(&m->seed, MAX_RUNS));
		assert_true(got || !left);
		left -= got;
	} while (got);
	assert_int_equal(left, 0);
	free(m);
}

/* An age is the number of passes that a page survives. */
static void test_ages(void **state)
{
	struct model *m = model_new(state, __func__);

	add_region(m, 0, PAGES, false);
	for (uint32_t i = 0; i < PAGES; i++)
		set_page(m, i, (struct page){ .state = PAGE_RESIDENT, .age = (uint8_t)(i % 4) });
	for (uint32_t turn = 0; turn <= PAGE_AGE_MAX; turn++) {
		uint32_t got = 0;

		while (got < PAGES / 4)
			got += call(m, PAGES / 4 - got, 16, MAX_RUNS);
		assert_int_equal(got, PAGES / 4);
		for (uint32_t i = 0; i < PAGES; i++)
			assert_int_equal(m->page[i].state,
					 i % 4 <= turn ? PAGE_DETACHING : PAGE_RESIDENT);
	}
	assert_int_equal(call(m, 1, 1, 1), 0);
	free(m);
}

/* The hand goes on where it was, around the end: old neighbours before what was just passed. */
static void test_hand_goes_on(void **state)
{
	struct model *m = model_new(state, __func__);

	add_region(m, 0, PAGES, false);
	for (uint32_t i = 0; i < PAGES; i++)
		set_page(m, i, (struct page){ .state = PAGE_RESIDENT });
	for (uint32_t n = 0; n < PAGES / 50; n++) {
		assert_int_equal(call(m, 50, 64, MAX_RUNS), 50);
		assert_int_equal(m->run[0].first.v, FIRST + n * 50);
		/* Back already, and young: its turn comes after everybody else's. */
		for (uint32_t i = 0; i < 50; i++)
			set_page(m, n * 50 + i, (struct page){ .state = PAGE_RESIDENT });
	}
	assert_int_equal(call(m, 50, 64, MAX_RUNS), 50);
	assert_int_equal(m->run[0].first.v, FIRST);
	free(m);
}

static void test_bounds(void **state)
{
	struct model *m = model_new(state, __func__);

	/* Nothing there at all. */
	assert_int_equal(call(m, 100, 64, MAX_RUNS), 0);
	add_region(m, 0, PAGES, false);
	for (uint32_t i = 0; i < PAGES; i += 2)
		set_page(m, i, (struct page){ .state = PAGE_RESIDENT });
	assert_int_equal(call(m, 0, 64, MAX_RUNS), 0);
	/* Runs are what is short here: every second page. */
	assert_int_equal(call(m, 100, 64, 7), 7);
	assert_int_equal(call(m, 5, 64, 7), 5);
	/* Not lost: the page that found no run is the next. */
	assert_int_equal(m->run[0].first.v, FIRST + 14);
	free(m);
}

/* What one call offers, as page numbers in order. */
static uint32_t offered(struct model *m, uint32_t nr_pages, uint32_t *first, uint32_t *end)
{
	struct space_fixture *f = m->f;
	uint32_t n = victims_choose(&f->pg, f->sp, nr_pages, 64, m->run, MAX_RUNS), total = 0;

	*first = n ? (uint32_t)(m->run[0].first.v - FIRST) : 0;
	for (uint32_t r = 0; r < n; r++) {
		*end = (uint32_t)(m->run[r].first.v + m->run[r].nr_pages - FIRST);
		total += m->run[r].nr_pages;
		for (uint32_t k = 0; k < m->run[r].nr_pages; k++)
			set_page(m, (uint32_t)(m->run[r].first.v + k - FIRST),
				 (struct page){ .state = PAGE_DETACHING });
	}
	return total;
}

static void set_pages(struct model *m, uint32_t first, uint32_t end, struct page p)
{
	for (uint32_t i = first; i < end; i++)
		set_page(m, i, p);
}

/* First what a stream left behind, then what is cold, unless it was tried in vain; pinned never. */
static void test_hints(void **state)
{
	struct model *m = model_new(state, __func__);
	struct space *sp = m->f->sp;
	uint32_t first, end, left = 0;

	add_region(m, 0, PAGES, false);
	for (uint32_t i = 0; i < PAGES; i++)
		set_page(m, i,
			 (struct page){ .state = PAGE_RESIDENT, .age = POLICY_AGE_STAYS - 1 });
	assert_int_equal(region_hint(&sp->locked.regions, at(2000), at(2100), REGION_COLD), 0);
	assert_int_equal(region_hint(&sp->locked.regions, at(2050), at(2060), REGION_PINNED), 0);
	assert_int_equal(region_hint(&sp->locked.regions, at(1000), at(1010), REGION_PINNED), 0);
	policy_leave_behind(&sp->policy, at(3000), at(3040));
	policy_leave_behind(&sp->policy, at(3020), at(3080));
	assert_int_equal(sp->policy.nr_behind, 1);
	assert_int_equal(offered(m, 50, &first, &end), 50);
	assert_true(first == 3000 && end == 3050);
	assert_int_equal(offered(m, 50, &first, &end), 30);
	assert_true(first == 3050 && end == 3080);
	assert_int_equal(offered(m, 60, &first, &end), 60);
	assert_true(first == 2000 && end == 2070);
	assert_int_equal(offered(m, 60, &first, &end), 30);
	assert_true(first == 2070 && end == 2100);
	/* What came back is offered again, but for what does not go. */
	set_pages(m, 2005, 2010, (struct page){ .state = PAGE_RESIDENT, .age = 1 });
	set_page(m, 2007, (struct page){ .state = PAGE_RESIDENT, .age = POLICY_AGE_STAYS });
	assert_int_equal(offered(m, 60, &first, &end), 4);
	assert_true(first == 2005 && end == 2010);
	assert_int_equal(region_find(&sp->locked.regions, at(2005))->hint, REGION_COLD);
	/* Once that has left, it is over: back again they are as any other. */
	set_pages(m, 2000, 2050, (struct page){ .state = PAGE_VIRGIN });
	set_pages(m, 2060, 2100, (struct page){ .state = PAGE_VIRGIN });
	set_page(m, 2005, (struct page){ .state = PAGE_RESIDENT, .age = POLICY_AGE_STAYS });
	assert_int_equal(offered(m, 1, &first, &end), 1);
	assert_int_not_equal(first, 2005);
	assert_int_equal(region_find(&sp->locked.regions, at(2005))->hint, REGION_PLAIN);
	/* Nothing of a range job's range. */
	sp->range_job.first = at(0);
	sp->range_job.end = at(500);
	sp->range_job.state = RANGE_JOB_FETCH;
	assert_int_equal(offered(m, 10, &first, &end), 10);
	assert_int_equal(first, 500);
	for (uint32_t i = 0; i < PAGES; i++)
		left += m->page[i].state == PAGE_RESIDENT;
	for (uint32_t got; (got = offered(m, PAGES, &first, &end));)
		left -= got;
	assert_int_equal(left, 500 - 1 + 10 + 10); /* one was offered before */
	sp->range_job.state = RANGE_JOB_NONE;
	free(m);
}

/* Streams that do not touch are kept apart, the latest ones. */
static void test_many_streams(void **state)
{
	struct policy po = { .nr_behind = 0 };

	(void)state;
	policy_leave_behind(&po, at(5), at(5));
	assert_int_equal(po.nr_behind, 0);
	for (uint32_t i = 0; i < POLICY_BEHIND + 3; i++)
		policy_leave_behind(&po, at(100 * i), at(100 * i + 10));
	assert_int_equal(po.nr_behind, POLICY_BEHIND);
	assert_int_equal(po.behind[0].first.v, FIRST + 300);
	assert_int_equal(po.behind[POLICY_BEHIND - 1].end.v,
			 FIRST + 100 * (POLICY_BEHIND + 2) + 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(test_all_that_may_go), SPACE_TEST(test_ages),
		SPACE_TEST(test_hand_goes_on),	  SPACE_TEST(test_bounds),
		SPACE_TEST(test_hints),		  cmocka_unit_test(test_many_streams),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
