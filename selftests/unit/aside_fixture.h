/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_ASIDE_FIXTURE_H
#define UPAGER_SELFTESTS_ASIDE_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "event/apply.h"
#include "event/aside.h"
#include "kernel/vma.h"
#include "space_fixture.h"

/* Chunks of NR pages. */
#define NR    4
#define BASE  (1ULL << 20)
#define PAGES 128

enum place {
	AT_X = 16,
	AT_Y = 32,
	AT_Z = 48,
	AT_D = 64,
	AT_E = 80,
};

/* The kernel: what is mapped and registered, and whether an event is on its way. */
static bool mapped[PAGES];
static bool unread;

bool __wrap_uffd_has_unread(int uffd);
int __wrap_uffd_covers(int uffd, uint64_t addr, uint64_t bytes);
int __wrap_vma_find(int maps_fd, uint64_t addr, struct vma *v);

bool __wrap_uffd_has_unread(int uffd)
{
	(void)uffd;
	return unread;
}

int __wrap_uffd_covers(int uffd, uint64_t addr, uint64_t bytes)
{
	(void)uffd;
	if (unread)
		return -EAGAIN;
	for (uint64_t at = addr; at < addr + bytes; at += PAGE_SIZE)
		if (!mapped[addr_pgno(at).v - BASE])
			return -ENOENT;
	return 0;
}

int __wrap_vma_find(int maps_fd, uint64_t addr, struct vma *v)
{
	(void)maps_fd;
	*v = (struct vma){ .start = addr, .end = addr + PAGE_SIZE };
	return mapped[addr_pgno(addr).v - BASE] ? 0 : -ENOENT;
}

static inline pgno_t page_at(uint32_t place)
{
	return (pgno_t){ BASE + place };
}

static slot_t was[PAGES]; /* the slot of what was put there */

static inline void set_mapped(uint32_t place, uint32_t nr, bool is)
{
	for (uint32_t i = place; i < place + nr; i++)
		mapped[i] = is;
}

/* Pages that are outside. */
static inline void put(struct space_fixture *f, uint32_t place, uint32_t nr)
{
	set_mapped(place, nr, true);
	region_add(&f->sp->locked.regions, page_at(place), page_at(place + nr));
	for (uint32_t i = place; i < place + nr; i++) {
		struct page virgin = { .state = PAGE_VIRGIN },
			    resident = { .state = PAGE_RESIDENT };
		struct page moving = { .state = PAGE_DETACHING, .place = 1 };
		struct page standby = { .state = PAGE_STANDBY, .place = 1 }, out;

		was[i] = new_slot(f);
		standby.slot = was[i];
		out = (struct page){ .state = PAGE_SWAPPED, .slot = was[i] };
		page_change(&f->pg, f->sp, page_at(i), virgin, resident);
		page_change(&f->pg, f->sp, page_at(i), resident, moving);
		page_change(&f->pg, f->sp, page_at(i), moving, standby);
		page_change(&f->pg, f->sp, page_at(i), standby, out);
	}
}

static inline struct uffd_msg *tell(struct space_fixture *f, struct uffd_msg msg)
{
	uint32_t n = 0;

	while (f->events.msg[n].event)
		n++;
	f->events.msg[n] = msg;
	return &f->events.msg[n];
}

static inline void tell_remap(struct space_fixture *f, uint32_t from, uint32_t to, uint32_t nr)
{
	struct uffd_msg msg = { .event = UFFD_EVENT_REMAP };

	msg.arg.remap.from = pgno_addr(page_at(from));
	msg.arg.remap.to = pgno_addr(page_at(to));
	msg.arg.remap.len = nr * PAGE_SIZE;
	tell(f, msg);
}

static inline void tell_unmap(struct space_fixture *f, uint32_t place, uint32_t nr)
{
	struct uffd_msg msg = { .event = UFFD_EVENT_UNMAP };

	msg.arg.remove.start = pgno_addr(page_at(place));
	msg.arg.remove.end = pgno_addr(page_at(place + nr));
	tell(f, msg);
}

/* mremap() as the kernel does it. */
static inline void remap(uint32_t from, uint32_t to, uint32_t nr)
{
	set_mapped(from, nr, false);
	set_mapped(to, nr, true);
}

static bool twice; /* as by a daemon that died before it could say that it did it */

static inline void apply_one(struct space_fixture *f, uint32_t n)
{
	assert_true(apply_has_room(&f->pg, f->sp, &f->events.msg[n]));
	apply_event(&f->pg, f->sp, &f->events.msg[n]);
}

/* As the keeper does it, which has no use for what is applied. */
static inline void keep_from(struct space_fixture *f, uint32_t n)
{
	memmove(f->events.msg, f->events.msg + n, (EVENTS_BATCH - n) * sizeof(f->events.msg[0]));
	memset(f->events.msg + EVENTS_BATCH - n, 0, n * sizeof(f->events.msg[0]));
}

/* What was told, as one batch. */
static inline void apply(struct space_fixture *f)
{
	f->pg.caps.remap_exact = true;
	for (uint32_t n = 0; f->events.msg[n].event; n++) {
		apply_one(f, n);
		if (twice) {
			keep_from(f, n);
			apply_settle(&f->pg, f->sp);
			apply_one(f, n = 0);
		}
		f->events.msg[n].event = EVENT_APPLIED;
		apply_settle(&f->pg, f->sp);
	}
	memset(f->events.msg, 0, sizeof(f->events.msg));
}

/* The kernel has nothing more to tell. */
static inline void be_quiet(struct space_fixture *f)
{
	unread = false;
	f->sp->worker.changing = false;
	assert_int_equal(0, aside_look_after(&f->pg, f->sp, 1));
	f->sp->worker.changing = true;
	assert_false(aside_any(f->sp));
}

static inline void expect(struct space_fixture *f, uint32_t place, uint32_t origin, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		expect_entry(f, page_at(place + i),
			     (struct page){ .state = PAGE_SWAPPED, .slot = was[origin + i] });
}

static inline void expect_state(struct space_fixture *f, uint32_t place, uint32_t nr,
				enum page_state state)
{
	for (uint32_t i = 0; i < nr; i++)
		assert_int_equal(page_read(&f->pg, f->sp, page_at(place + i)).state, state);
}

#define expect_nothing(f, place, nr) expect_state(f, place, nr, PAGE_VIRGIN)

static inline int aside_setup(void **state)
{
	static struct space_record records[2];
	struct space_fixture *f = &space_fixture;

	memset(&f->events, 0, sizeof(f->events));
	memset(mapped, 0, sizeof(mapped));
	unread = true;
	twice = false;
	if (space_setup(state))
		return -1;
	f->pg.state.records = records;
	f->sp->phase = SPACE_LIVE;
	f->sp->process.task_dir_fd = open("/", O_PATH | O_DIRECTORY); /* as of many threads */
	return f->sp->process.task_dir_fd < 0;
}

#endif
