// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state directory that is damaged: the input says which bytes of it are other ones than a daemon
 * left.  It is taken over, or refused; and what was taken over is as it should be.  Descriptors that
 * the keeper does not have are refused before (pidfd_getfd() in succession.c does that).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "fuzz.h"
#include "memory/page.h"
#include "memory/table_private.h"
#include "recover/estate.h"
#include "recover/restore.h"
#include "recover/statefile.h"
#include "recover/write_record_format.h"

#define SPACES	  3
#define NR_SLOTS  (8 * 1024)
#define NR_PAGES  600 /* more than a leaf */
#define NR_TABLES 64
#define PATCHES	  32
#define FDS_MAX	  64

static const pgno_t base = { 0x7f0000100 };
static struct pager pg;
static struct space *dead[SPACES + 1];
static struct tables *dead_tables;
static struct area area;

/* What is restored before each input. */
static struct part {
	void *at;
	void *golden;
	size_t bytes;
} part[8];
static uint32_t nr_parts;

/* Descriptors at the numbers that the state names, and where they are kept. */
static struct kept_fd {
	int number;
	int kept;
} fds[FDS_MAX];
static uint32_t nr_fds;

static void add_part(void *at, size_t bytes)
{
	part[nr_parts] = (struct part){ at, malloc(bytes), bytes };
	require(part[nr_parts].golden);
	memcpy(part[nr_parts++].golden, at, bytes);
}

static void keep_fd(int number)
{
	if (number < 0)
		return;
	for (uint32_t i = 0; i < nr_fds; i++)
		if (fds[i].number == number)
			return;
	fds[nr_fds].number = number;
	fds[nr_fds].kept = fcntl(number, F_DUPFD_CLOEXEC, 700);
	require(fds[nr_fds++].kept >= 0 && nr_fds < FDS_MAX);
}

static bool has_fd(int number)
{
	for (uint32_t i = 0; i < nr_fds; i++)
		if (fds[i].number == number)
			return true;
	return false;
}

static void change(struct space *sp, uint64_t i, struct page to)
{
	pgno_t n = pgno_add(base, i);

	require(!page_change(&pg, sp, n, page_read(&pg, sp, n), to));
}

/* Pages in every state, a batch that the agent has, and one that it is being told of. */
static void fill(struct space *sp)
{
	struct agent_post *post;
	slot_t slot;

	for (uint64_t i = 0; i < NR_PAGES; i++)
		change(sp, i, (struct page){ .state = PAGE_RESIDENT });
	for (uint32_t i = 0; i < 64; i++) {
		require(slot_alloc(pg.slots, 1, 1, &slot) == 1);
		change(sp, i, (struct page){ .state = PAGE_DETACHING, .place = i });
		change(sp, i, (struct page){ .state = PAGE_STANDBY, .place = i, .dirty = true });
		change(sp, i, (struct page){ .state = PAGE_STANDBY, .place = i, .slot = slot });
		if (i < 32)
			change(sp, i, (struct page){ .state = PAGE_SWAPPED, .slot = slot });
		else
			standby_set(&sp->standby, i, PLACE_CLEAN, pgno_add(base, i));
	}
	for (uint32_t b = 0; b < AGENT_BATCHES; b++) {
		post = agent_next_post(&sp->agent);
		require(post);
		post->mode = AGENT_MOVE;
		post->nr_runs = 1;
		post->nr_pages = 16;
		post->at[0].run = (struct run){ pgno_add(base, 100 + 16 * b), 16 };
		post->at[0].staging_first = 0;
		post->at[0].place = 64 + 16 * b;
		for (uint32_t i = 0; i < 16; i++)
			change(sp, 100 + 16 * b + i,
			       (struct page){ .state = PAGE_DETACHING, .place = 64 + 16 * b + i });
		agent_submit(&sp->agent);
	}
}

static void make_space(uint32_t parent)
{
	struct space *sp = pager_add_space(&pg, (int)syscall(SYS_dup, pg.worker_fd), 0);

	require(sp && !standby_init(&sp->standby, 128));
	require(!agent_init(&sp->agent, pager_posts(&pg, sp->id)));
	sp->agent.pidfd = dup(pg.worker_fd);
	sp->worker.changing = true;
	sp->process.pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	sp->process.maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	sp->process.task_dir_fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sp->process.mem_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	sp->parent_id = parent;
	sp->worker.root = parent ? table_root_share(pg.tables, pg.space[parent]->worker.root)
				 : table_root_new(pg.tables);
	sp->phase = parent ? SPACE_FORKED : SPACE_LIVE;
	if (!parent)
		fill(sp);
	pager_record_space(&pg, sp);
}

/* Is mapped anew for each input; the Makefile has the linker ask here. */
int __real_statefile_map_old(int dir_fd, const char *name, size_t bytes, void **map);
int __wrap_statefile_map_old(int dir_fd, const char *name, size_t bytes, void **map);
static void *writes;

int __wrap_statefile_map_old(int dir_fd, const char *name, size_t bytes, void **map)
{
	int err = __real_statefile_map_old(dir_fd, name, bytes, map);

	if (!err && !strcmp(name, "writes"))
		writes = *map;
	return err;
}

static void make_writes(void)
{
	struct write_record *rec;
	void *map;

	require(!statefile_map_new(pg.state_dir_fd, "writes", WRITE_RECORDS * sizeof(*rec), true,
				   &map));
	rec = map;
	rec[0].slot = area.first.v + 5;
	rec[0].nr_pages = 3;
	add_part(map, WRITE_RECORDS * sizeof(*rec));
}

static void set_up(void)
{
	const char *tmp = getenv("TMPDIR");
	char dir[256];
	void *map;

	log_init("fuzz_state", LOG_LEVEL_ERR);
	snprintf(dir, sizeof(dir), "%s/fuzz_state.XXXXXX", tmp ? tmp : "/dev/shm");
	require(mkdtemp(dir));
	pg.state_dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	area = (struct area){ .fd = -1, .sb = { .nr_slots = NR_SLOTS, .version = 1 } };
	pg.worker_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pg.housekeeping_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pg.nr_ids = 1;
	require(!statefile_map_new(pg.state_dir_fd, "header", sizeof(struct state_header), true,
				   &map));
	pg.state.header = map;
	pg.state.header->nr_areas = 1;
	pg.state.header->area[0].kind = STATE_AREA_GONE;
	pg.state.header->lock_fd = -1;
	pg.state.header->listen_fd = -1;
	require(!pager_map_state(&pg) && !slots_init(&pg.slots, &area, 1, pg.state_dir_fd));
	require(!tables_init(&pg.tables, pg.slots, pg.state_dir_fd));
	make_space(0);
	make_space(1);
	make_space(0);
	for (uint32_t id = 1; id <= SPACES; id++) {
		const struct space_facts *facts = space_record_facts(&pg.state.records[id]);

		keep_fd(pg.state.records[id].uffd);
		keep_fd(facts->pool_fd);
		keep_fd(facts->ctl_fd);
		keep_fd(facts->event_fd);
		keep_fd(facts->agent_pidfd);
		keep_fd(facts->pagemap_fd);
		keep_fd(facts->maps_fd);
		keep_fd(facts->task_dir_fd);
		keep_fd(facts->mem_fd);
	}
	add_part(pg.state.header, sizeof(*pg.state.header));
	add_part(pg.state.records, (SPACES + 2) * sizeof(*pg.state.records));
	add_part(pg.state.events, (SPACES + 2) * sizeof(*pg.state.events));
	add_part(pg.state.posts, (SPACES + 2) * sizeof(*pg.state.posts));
	add_part(pg.state.hints, (SPACES + 2) * sizeof(*pg.state.hints));
	add_part(pg.state.unserved.list, PAGE_SIZE);
	add_part(pg.tables->entry, NR_TABLES * PAGE_SIZE);
	make_writes();
	dead_tables = pg.tables;
	slots_fini(pg.slots);
	/* Of the daemon that died. */
	memcpy(dead, pg.space, sizeof(dead));
	memset(pg.space, 0, sizeof(dead));
}

static void unmap_tables(struct tables *t)
{
	munmap(t->entry, (size_t)TABLES_MAX * PAGE_SIZE);
	munmap(t->refs, TABLES_MAX * sizeof(*t->refs));
	munmap(t->used, TABLES_MAX * sizeof(*t->used));
	munmap(t->free, TABLES_MAX * sizeof(*t->free));
	munmap(t->bare, TABLES_MAX * sizeof(*t->bare));
	if (t->levels)
		munmap(t->levels, TABLES_MAX);
	close(t->fd);
	free(t);
}

/* As it was left, but for what the input says. */
static void damage(struct input *in)
{
	for (uint32_t i = 0; i < nr_parts; i++)
		memcpy(part[i].at, part[i].golden, part[i].bytes);
	for (uint32_t i = 0; i < nr_fds; i++)
		require(dup3(fds[i].kept, fds[i].number, O_CLOEXEC) == fds[i].number);
	for (int i = 0; i < PATCHES && in->left; i++) {
		struct part *p = &part[input_u8(in) % nr_parts];
		size_t at = input_u32(in) % p->bytes, n = input_u8(in) % 16 + 1;

		n = min_t(size_t, n, p->bytes - at);
		input_bytes(in, (uint8_t *)p->at + at, n);
	}
	/* Nobody else's limits are to be changed. */
	for (uint32_t id = 1; id <= SPACES + 1; id++)
		for (int k = 0; k < 2; k++)
			pg.state.records[id].facts[k].agent_pid = getpid();
}

static bool is_refused(void)
{
	struct state_header *h = pg.state.header;
	struct estate estate = { 0 };
	bool refused = h->nr_ids > SPACES + 1 || h->nr_areas > AREAS_MAX ||
		       pg.state.unserved.list->nr || estate_list(&estate, &pg);

	for (uint32_t i = 0; i < estate.nr && !refused; i++)
		refused = !has_fd(estate.fd[i]);
	free(estate.fd);
	return refused;
}

/* Every page is counted once, and at a place that is its own. */
static void check(struct space *sp)
{
	uint64_t nr[__PAGE_STATES] = { 0 };

	for (uint64_t i = 0; i < NR_PAGES; i++) {
		struct page p = page_read(&pg, sp, pgno_add(base, i));

		require(p.state < __PAGE_STATES && p.state != PAGE_DETACHING);
		nr[p.state]++;
		require(p.state != PAGE_SWAPPED || slot_valid(p.slot));
		if (p.state == PAGE_STANDBY)
			require(p.dirty || slot_valid(p.slot));
	}
	require(sp->reports.nr_swapped >= nr[PAGE_SWAPPED]);
	require(sp->reports.nr_standby >= nr[PAGE_STANDBY]);
	require(!sp->reports.nr_detaching && !agent_pending(&sp->agent));
}

static void forget_all(void)
{
	for (uint32_t id = 1; id <= SPACES + 1; id++) {
		if (pg.space[id])
			space_free(pg.space[id]);
		pg.space[id] = NULL;
	}
	pg.nr_ids = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (!pg.state.header)
		set_up();
	damage(&in);
	if (is_refused())
		return 0;
	pg.nr_ids = 1;
	pg.state.inherited = true;
	pg.tables = NULL;
	require(!slots_init(&pg.slots, &area, 1, pg.state_dir_fd));
	if (!restore_all(&pg))
		for (uint32_t id = 1; id < pg.nr_ids; id++)
			if (pg.space[id] && pg.space[id]->worker.root.v)
				check(pg.space[id]);
	forget_all();
	if (writes)
		munmap(writes, WRITE_RECORDS * sizeof(struct write_record));
	writes = NULL;
	if (pg.tables)
		unmap_tables(pg.tables);
	slots_fini(pg.slots);
	return 0;
}
