// SPDX-License-Identifier: GPL-2.0-only
/* State files that are not as a daemon leaves them are refused, instead of being believed. */
#include "space_fixture.h"

#include <sys/mman.h>

#include "agent/agent.h"
#include "memory/page_entry_format.h"
#include "memory/table_private.h"

#define OTHER 0x123456789ULL /* page numbers in leaves that share no table but the root */
#define HERE  0x7f0000000ULL

/* What a daemon would find: the tree of a space that has a resident page in two places. */
static struct tables *leave(struct space_fixture *f, uint32_t path[2][TABLE_LEVELS])
{
	static const uint64_t at[2] = { HERE, OTHER };
	struct tables *t = f->pg.tables;

	for (int i = 0; i < 2; i++) {
		pgno_t n = { at[i] };
		uint32_t id = f->sp->worker.root.v;

		assert_int_equal(page_change(&f->pg, f->sp, n, page_read(&f->pg, f->sp, n),
					     (struct page){ .state = PAGE_RESIDENT }),
				 0);
		for (int level = TABLE_LEVELS - 1; level >= 0; level--) {
			path[i][level] = id;
			if (level)
				id = (uint32_t)t->entry[id][table_index(n, level)];
		}
	}
	return t;
}

/* Counts the tree as the next daemon does. */
static int restore(struct space_fixture *f)
{
	static struct tables *kept[64]; /* they are never given back */
	static uint32_t nr;
	struct tables *again;
	int err;

	slots_recount_begin(f->pg.slots);
	assert_int_equal(tables_restore_begin(&again, f->pg.slots, f->slots->dir_fd), 0);
	assert_true(nr < ARRAY_SIZE(kept));
	kept[nr++] = again;
	err = tables_restore_root(again, f->sp->worker.root);
	if (!err)
		err = tables_restore_end(again);
	slots_recount_end(f->pg.slots);
	return err;
}

/* With one entry another one. */
static void expect_damage(struct space_fixture *f, uint64_t *entry, uint64_t value, int want)
{
	uint64_t was = *entry;

	*entry = value;
	assert_int_equal(restore(f), want);
	*entry = was;
	assert_int_equal(restore(f), 0);
}

static void test_tables(void **state)
{
	struct space_fixture *f = *state;
	uint32_t path[2][TABLE_LEVELS];
	struct tables *t = leave(f, path);
	uint64_t *up = &t->entry[path[1][2]][table_index((pgno_t){ OTHER }, 2)];
	uint64_t *low = &t->entry[path[1][1]][table_index((pgno_t){ OTHER }, 1)];

	assert_int_equal(restore(f), 0);
	expect_damage(f, up, TABLES_MAX, -EBADMSG);
	expect_damage(f, up, UINT64_MAX, -EBADMSG);
	/* Regression: cut to 32 bits it was another table. */
	expect_damage(f, up, *up | 1ULL << 32, -EBADMSG);
	/* Regression: pages of a leaf were taken for numbers of tables. */
	expect_damage(f, up, path[0][0], -EBADMSG);
	expect_damage(f, low, path[0][1], -EBADMSG);
	expect_damage(f, low, path[1][3], -EBADMSG);
	/* That of another tree, or of a child. */
	expect_damage(f, low, path[0][0], 0);
	page_drop(&f->pg, f->sp, (pgno_t){ OTHER }, (pgno_t){ OTHER + 1 });
	page_drop(&f->pg, f->sp, (pgno_t){ HERE }, (pgno_t){ HERE + 1 });
}

static void test_entries(void **state)
{
	static const struct page bad[] = {
		{ .state = (enum page_state)6 },
		{ .state = (enum page_state)7 },
		{ .state = PAGE_SWAPPED },
		{ .state = PAGE_STANDBY },
		{ .state = PAGE_LOST, .slot = { 5 } },
		{ .state = PAGE_SWAPPED, .slot = { 1ULL << 39 } },
	};
	struct space_fixture *f = *state;
	uint32_t path[2][TABLE_LEVELS];
	struct tables *t = leave(f, path);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_damage(f, &t->entry[path[0][0]][table_index((pgno_t){ HERE }, 0)],
			      page_entry_pack(bad[i]), -EBADMSG);
	page_drop(&f->pg, f->sp, (pgno_t){ OTHER }, (pgno_t){ OTHER + 1 });
	page_drop(&f->pg, f->sp, (pgno_t){ HERE }, (pgno_t){ HERE + 1 });
}

/* Regression: so many batches were settled, or so many runs of one. */
static void test_posts(void **state)
{
	static struct agent_posts posts;
	struct agent_post *post = &posts.post[0];
	struct agent ag = { 0 };
	int fd = memfd_create("ctl", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)AGENT_CTL_BYTES), 0);
	for (int damage = 0; damage < 9; damage++) {
		posts.posted = damage == 1 ? 3 : 1;
		posts.settled = damage == 2 ? 2 : 0;
		post->nr_runs = damage == 3 ? AGENT_RUNS_MAX + 1 : 1;
		post->mode = damage == 4 ? AGENT_TRIM + 1 : AGENT_MOVE;
		post->at[0].run.first.v = damage == 5 ? 1ULL << 50 : HERE;
		post->at[0].run.nr_pages = damage == 6 ? 0 : damage == 7 ? 65 : 64;
		post->at[0].staging_first = damage == 8 ? AGENT_BATCH_PAGES - 63 : 0;
		assert_int_equal(agent_restore(&ag, &posts, fd, -1), damage ? -EBADMSG : 0);
		if (!damage)
			munmap(ag.ctl, AGENT_CTL_BYTES);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(test_tables),
		SPACE_TEST(test_entries),
		cmocka_unit_test(test_posts),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
