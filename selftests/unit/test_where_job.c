// SPDX-License-Identifier: GPL-2.0-only
/* What the worker counts for who asks where pages are. */
#include "page_fixture.h"

#include "control/where_job_step.h"

#define FIRST 0x7fff0000fULL /* not a leaf's first */
#define PAGES (20 * TABLE_ENTRIES)
#define PARTS 7

static pgno_t at(uint64_t i)
{
	return (pgno_t){ FIRST + i };
}

/* Every step is short, and at the end nothing waits any more. */
static unsigned int run(struct space_fixture *f, uint32_t nr_parts)
{
	struct where_job *job = &f->sp->where_job;
	unsigned int steps = 0;

	job->answer = (struct upager_where){ .addr = pgno_addr(at(0)),
					     .bytes = PAGES * PAGE_SIZE,
					     .nr_parts = nr_parts };
	job->cursor = FIRST;
	job->state = WHERE_JOB_ASKED;
	while (where_job_waits(job) && steps < 1000) {
		where_job_step(&f->pg, f->sp);
		steps++;
	}
	assert_int_equal(job->state, WHERE_JOB_DONE);
	return steps;
}

static void test_counts(void **state)
{
	struct space_fixture *f = *state;
	struct upager_where want = { .bytes = PAGES * PAGE_SIZE, .nr_parts = PARTS };
	const struct upager_where *got = &f->sp->where_job.answer;
	static const enum kind kinds[] = { RESIDENT, DETACHING, DIRTY, CLEAN, SWAPPED, LOST };
	uint32_t part = 0;

	f->pg.housekeeping_fd = -1;
	for (uint64_t i = 0; i < PAGES; i += 37) {
		enum kind kind = kinds[i % ARRAY_SIZE(kinds)];

		while (i >= upager_where_first(&want, part + 1))
			part++;
		bring(f, at(i), kind);
		want.part[part].standby_pages +=
			kind == DETACHING || kind == DIRTY || kind == CLEAN;
		want.part[part].swapped_pages += kind == SWAPPED;
		want.part[part].lost_pages += kind == LOST;
	}
	/* Its neighbours are nobody's business. */
	bring(f, (pgno_t){ FIRST - 1 }, SWAPPED);
	bring(f, at(PAGES), SWAPPED);
	assert_true(run(f, PARTS) > 2);
	assert_memory_equal(got->part, want.part, sizeof(want.part));
	for (uint64_t i = 1; i < PAGES; i++)
		if (page_read(&f->pg, f->sp, at(i)).state == PAGE_DETACHING)
			step(f, at(i), page_of(RESIDENT, SLOT_NONE));
	page_drop(&f->pg, f->sp, (pgno_t){ FIRST - 1 }, at(PAGES + 1));
}

static void test_nothing(void **state)
{
	struct space_fixture *f = *state;
	static const struct upager_where_part none[UPAGER_WHERE_PARTS];

	f->pg.housekeeping_fd = -1;
	assert_int_equal(run(f, UPAGER_WHERE_PARTS), 1);
	assert_memory_equal(f->sp->where_job.answer.part, none, sizeof(none));
	/* Nobody asks: nothing is written. */
	f->sp->where_job.state = WHERE_JOB_NONE;
	where_job_step(&f->pg, f->sp);
	assert_int_equal(f->sp->where_job.state, WHERE_JOB_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(test_counts),
		SPACE_TEST(test_nothing),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
