// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control page of an agent, which is memory of the program that it is in: the input is what the
 * daemon does, and what somebody writes there meanwhile.  Whatever that is, each page is in one
 * state, is counted once, and is where it says.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "evict/settle.h"
#include "fuzz.h"
#include "memory/page.h"

#define NR_PAGES  160
#define NR_PLACES 128
#define NR_SLOTS  (64 * 1024)
#define STEPS	  64

static const pgno_t base = { 0x7f0000000 };
static struct pager pg;
static struct area area;

static void set_up(void)
{
	const char *tmp = getenv("TMPDIR");
	char dir[256], path[300];

	snprintf(dir, sizeof(dir), "%s/fuzz_agent.XXXXXX", tmp ? tmp : "/tmp");
	require(mkdtemp(dir));
	pg.state_dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	area = (struct area){ .fd = -1, .sb = { .nr_slots = NR_SLOTS, .version = 1 } };
	require(!slots_init(&pg.slots, &area, 1, pg.state_dir_fd));
	require(!tables_init(&pg.tables, pg.slots, pg.state_dir_fd));
	snprintf(path, sizeof(path), "%s/tables", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/slots.0", dir);
	unlink(path);
	rmdir(dir);
	pg.housekeeping_fd = pg.worker_fd = -1;
}

static struct page read_at(struct space *sp, uint64_t i)
{
	return page_read(&pg, sp, pgno_add(base, i));
}

/* A run of resident pages to free places, as evict.c does. */
static bool detach(struct space *sp, struct agent_post *post, struct input *in)
{
	uint64_t first = input_u32(in) % NR_PAGES;
	uint32_t want = input_u8(in) % AGENT_RUN_PAGES + 1, place, n;

	want = (uint32_t)min_t(uint64_t, want, NR_PAGES - first);
	want = min_t(uint32_t, want, AGENT_BATCH_PAGES - post->nr_pages);
	n = standby_find(&sp->standby, want, &place);
	if (!n || post->nr_runs == AGENT_RUNS_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (read_at(sp, first + i).state != PAGE_RESIDENT ||
		    standby_state(&sp->standby, place + i) != PLACE_FREE)
			n = i;
	if (!n)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		pgno_t page = pgno_add(base, first + i);
		struct page p = page_read(&pg, sp, page), to = p;

		to.state = PAGE_DETACHING;
		to.place = place + i;
		to.age = 0;
		require(!page_change(&pg, sp, page, p, to));
		standby_set(&sp->standby, place + i, PLACE_DETACHING, page);
	}
	standby_take(&sp->standby, place, n);
	post->at[post->nr_runs].run = (struct run){ pgno_add(base, first), n };
	post->at[post->nr_runs].staging_first = post->nr_pages;
	post->at[post->nr_runs++].place = place;
	post->nr_pages += n;
	return true;
}

static void post(struct space *sp, struct input *in)
{
	struct agent_post *post = agent_next_post(&sp->agent);
	uint32_t runs = input_u8(in) % 8 + 1;

	if (!post || !agent_present(&sp->agent))
		return;
	post->mode = input_u8(in) % 2 ? AGENT_COPY_DROP : AGENT_MOVE;
	post->unheld = 0;
	while (runs-- && detach(sp, post, in))
		;
	if (post->nr_runs)
		agent_submit(&sp->agent);
}

static void scribble(struct agent_ctl *ctl, struct input *in)
{
	uint32_t at = input_u32(in) % sizeof(*ctl), n = input_u8(in) % 32 + 1;

	n = (uint32_t)min_t(size_t, n, sizeof(*ctl) - at);
	input_bytes(in, (uint8_t *)ctl + at, n);
}

/* What an honest agent says at last, so that not all inputs end in a lie. */
static void finish(struct agent_ctl *ctl, struct input *in)
{
	struct agent_batch *b = &ctl->batch[ctl->done % AGENT_BATCHES];

	for (uint32_t i = 0; i < b->nr_runs && i < AGENT_RUNS_MAX; i++)
		b->run[i].moved = input_u64(in);
	b->phase = AGENT_COPIED;
	ctl->done++;
}

static void settle(struct space *sp)
{
	if (agent_hold(&sp->agent, false))
		settle_now(&pg, sp);
	agent_release(&sp->agent);
}

static void rescue_all(struct space *sp)
{
	struct standby *sb = &sp->standby;

	for (uint64_t i = 0; i < NR_PAGES; i++) {
		struct page p = read_at(sp, i), to = { .state = PAGE_RESIDENT };
		uint32_t place = p.place;

		if (p.state == PAGE_STANDBY)
			standby_set(sb, place, PLACE_FREE, (pgno_t){ 0 });
		if (p.state == PAGE_STANDBY || p.state == PAGE_VIRGIN)
			require(!page_change(&pg, sp, pgno_add(base, i), p, to));
	}
}

static void step(struct space *sp, struct input *in)
{
	switch (input_u8(in) % 8) {
	case 0:
		post(sp, in);
		break;
	case 1:
	case 2:
		scribble(sp->agent.ctl, in);
		break;
	case 3:
		finish(sp->agent.ctl, in);
		break;
	case 4:
		settle_finished(&pg, sp);
		break;
	case 5:
		settle(sp);
		break;
	case 6:
		rescue_all(sp);
		break;
	default:
		agent_is_late(&sp->agent);
		agent_may_drop(&sp->agent);
		agent_has(&sp->agent, base, pgno_add(base, 1));
		require(agent_batch_limit(&sp->agent) <= AGENT_BATCH_PAGES);
	}
}

/* Each place that a page is at is that page's, and the counts are those of the pages. */
static void check(struct space *sp)
{
	uint64_t nr[__PAGE_STATES] = { 0 };

	for (uint64_t i = 0; i < NR_PAGES; i++) {
		struct page p = read_at(sp, i);

		require(p.state < __PAGE_STATES);
		nr[p.state]++;
		if (p.state != PAGE_STANDBY && p.state != PAGE_DETACHING)
			continue;
		require(p.place < sp->standby.nr_places);
		require(standby_page(&sp->standby, p.place).v == base.v + i);
		require(standby_state(&sp->standby, p.place) != PLACE_FREE);
	}
	require(nr[PAGE_DETACHING] == sp->reports.nr_detaching);
	require(nr[PAGE_STANDBY] == sp->reports.nr_standby);
	require(nr[PAGE_RESIDENT] + nr[PAGE_DETACHING] == sp->reports.nr_resident);
	require(agent_pending(&sp->agent) <= AGENT_BATCHES);
	require(agent_pending(&sp->agent) || !nr[PAGE_DETACHING]);
}

static struct space *make(struct event_slot *events, struct agent_posts *posts)
{
	struct space *sp = space_new(1, -1, events);

	require(sp && !standby_init(&sp->standby, NR_PLACES));
	sp->worker.changing = true;
	sp->worker.root = table_root_new(pg.tables);
	sp->phase = SPACE_LIVE;
	require(sp->worker.root.v && !agent_init(&sp->agent, posts));
	for (uint64_t i = 0; i < NR_PAGES; i++)
		require(!page_change(&pg, sp, pgno_add(base, i), read_at(sp, i),
				     (struct page){ .state = PAGE_RESIDENT }));
	return sp;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_slot events;
	static struct agent_posts posts;
	struct input in = { data, size };
	struct space *sp;

	if (!pg.tables)
		set_up();
	require(!fault_nodes_init(&pg.worker.faults, 4 * NR_PAGES));
	sp = make(&events, &posts);
	for (int i = 0; i < STEPS && in.left; i++) {
		step(sp, &in);
		check(sp);
	}
	/* It is ended, and all is settled whatever it says. */
	sp->agent.dead = true;
	settle_now(&pg, sp);
	require(!agent_pending(&sp->agent));
	check(sp);
	page_drop(&pg, sp, base, pgno_add(base, NR_PAGES));
	table_root_put(pg.tables, sp->worker.root);
	require(!tables_used(pg.tables) && slots_free(pg.slots) == slots_total(pg.slots));
	space_free(sp);
	fault_nodes_fini(&pg.worker.faults);
	return 0;
}
