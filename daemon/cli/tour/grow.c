// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/types.h"
#include "cli/tour/actor.h"
#include "cli/tour/picture.h"
#include "cli/tour/proc.h"
#include "cli/tour/step.h"

#define GROWN_BYTES (256UL << 10)
#define HEAP	    "[heap]"
#define STACK	    "[stack]"
#define WATCHED	    3 /* pages of each, one by one */

enum what {
	RESERVE, /* grow the heap; where it ended */
	WRITE, /* a byte at an address */
};

/* A mapping at one moment. */
struct moment {
	uint64_t size_bytes;
	uint64_t resident_bytes;
	uint64_t faults; /* that it took to get there */
};

enum {
	BEFORE,
	RESERVED,
	FIRST,
	AGAIN = FIRST + WATCHED, /* another byte of the last page */
	MOMENTS,
};

struct seen {
	uint64_t heap; /* where it ended */
	uint64_t stack; /* where it began */
	struct moment on_heap[MOMENTS];
	struct moment on_stack[MOMENTS];
	uint64_t limit_bytes; /* of the stack; 0: none */
	struct map *map;
};

static uint64_t write_byte(uint64_t address)
{
	uint64_t before = proc_faults().minor;

	*(volatile unsigned char *)(uintptr_t)address = 1;
	return proc_faults().minor - before;
}

static int act(void *state, uint32_t what, uint64_t arg, uint64_t *result)
{
	unsigned char own = 0;
	uintptr_t beside; /* to where a page begins */
	void *end;

	(void)state;
	switch ((enum what)what) {
	case RESERVE:
		/* What a write needs beside its page has been touched then. */
		write_byte((uintptr_t)&own);
		beside = -(uintptr_t)sbrk(0) & (PAGE_SIZE - 1);
		end = sbrk((intptr_t)(beside + GROWN_BYTES));
		if (end == (void *)-1)
			return -errno;
		result[0] = (uintptr_t)end + beside;
		return 0;
	case WRITE:
		result[0] = write_byte(arg);
		return 0;
	}
	return -EINVAL;
}

/* A heap that grows after a fork is two mappings. */
static int look(pid_t pid, const char *name, struct moment *m)
{
	return proc_sum_mappings(pid, name, "Size", &m->size_bytes)
		       ?: proc_sum_mappings(pid, name, "Rss", &m->resident_bytes);
}

static int touch(const struct actor *a, const char *name, uint64_t address, struct moment *m)
{
	uint64_t result[ACTOR_RESULTS];
	int err = actor_ask(a, WRITE, address, result);

	m->faults = result[0];
	return err ?: look(a->pid, name, m);
}

/* Up from where it ended. */
static int watch_heap(const struct actor *a, struct seen *s)
{
	int err = look(a->pid, HEAP, &s->on_heap[RESERVED]);

	for (uint64_t i = 0; i < WATCHED && !err; i++)
		err = touch(a, HEAP, s->heap + i * PAGE_SIZE, &s->on_heap[FIRST + i]);
	return err ?: touch(a, HEAP, s->heap + (WATCHED - 1) * PAGE_SIZE + 1, &s->on_heap[AGAIN]);
}

/* Down from where it began. */
static int watch_stack(const struct actor *a, struct seen *s)
{
	int err = look(a->pid, STACK, &s->on_stack[BEFORE]);

	for (uint64_t i = 0; i < WATCHED && !err; i++)
		err = touch(a, STACK, s->stack - (i + 1) * PAGE_SIZE, &s->on_stack[FIRST + i]);
	return err ?: touch(a, STACK, s->stack - WATCHED * PAGE_SIZE + 1, &s->on_stack[AGAIN]);
}

static int measure(const struct actor *a, struct seen *s)
{
	uint64_t result[ACTOR_RESULTS] = { 0 }, end;
	struct rlimit limit;
	struct map *before = picture_take(a->pid);
	int err = before ? 0 : -ESRCH;

	if (before && !picture_named(before, STACK, &s->stack, &end))
		err = -ENODATA;
	picture_free(before);
	err = err ?: look(a->pid, HEAP, &s->on_heap[BEFORE]) ?: actor_ask(a, RESERVE, 0, result);
	if (err)
		return err;
	s->heap = result[0];
	err = watch_heap(a, s) ?: watch_stack(a, s);
	if (!err && !getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur != RLIM_INFINITY)
		s->limit_bytes = limit.rlim_cur;
	if (!err && !(s->map = picture_take(a->pid)))
		err = -ESRCH;
	return err;
}

#define NAMES(moment)                                                            \
	{                                                                        \
		moment "_size_bytes", moment "_resident_bytes", moment "_faults" \
	}

static void say_moment(struct tour_page *p, const char *label, const struct moment *m,
		       const char *const name[3], bool faulted)
{
	const struct tour_value values[] = {
		{ name[0], (double)m->size_bytes, TOUR_BYTES },
		{ name[1], (double)m->resident_bytes, TOUR_BYTES },
		{ faulted ? name[2] : NULL, (double)m->faults, TOUR_COUNT },
	};

	tour_row(p, label, 3, values, TOUR_NO_BAR);
}

static void say_heap(struct tour_page *p, const struct moment *m)
{
	static const char *const headings[] = { "SIZE", "RESIDENT", "FAULTS" };
	static const struct {
		const char *label;
		const char *name[3];
	} rows[MOMENTS] = {
		[BEFORE] = { "before", NAMES("heap_before") },
		[RESERVED] = { "grown by 256K: brk()", NAMES("heap_reserved") },
		[FIRST] = { "the next page up written", NAMES("heap_1") },
		[FIRST + 1] = { "and the next", NAMES("heap_2") },
		[FIRST + 2] = { "and the next", NAMES("heap_3") },
		[AGAIN] = { "another byte of that page", NAMES("heap_again") },
	};

	tour_table(p, "the heap", 3, headings);
	for (int i = BEFORE; i < MOMENTS; i++)
		say_moment(p, rows[i].label, &m[i], rows[i].name, i >= FIRST);
}

static void say_stack(struct tour_page *p, const struct moment *m)
{
	static const char *const headings[] = { "SIZE", "RESIDENT", "FAULTS" };
	static const struct {
		const char *label;
		const char *name[3];
	} rows[MOMENTS] = {
		[BEFORE] = { "before", NAMES("stack_before") },
		[FIRST] = { "the next page down written", NAMES("stack_1") },
		[FIRST + 1] = { "and the next", NAMES("stack_2") },
		[FIRST + 2] = { "and the next", NAMES("stack_3") },
		[AGAIN] = { "another byte of that page", NAMES("stack_again") },
	};

	tour_table(p, "the stack", 3, headings);
	for (int i = BEFORE; i < MOMENTS; i++)
		if (rows[i].label)
			say_moment(p, rows[i].label, &m[i], rows[i].name, i >= FIRST);
}

static void say_holes(struct tour_page *p, const struct seen *s)
{
	uint64_t start = 0, end = 0;

	tour_table(p, "", 0, NULL);
	picture_named(s->map, HEAP, &start, &end);
	tour_value(p, "heap_hole_bytes", (double)picture_hole_above(s->map, end), TOUR_BYTES,
		   "the hole that the heap grows into");
	tour_value(p, "between_bytes", (double)(s->stack - end), TOUR_BYTES,
		   "from the heap's end to the stack");
	picture_named(s->map, STACK, &start, &end);
	tour_value(p, "stack_hole_bytes", (double)picture_hole_below(s->map, start), TOUR_BYTES,
		   "the hole that the stack grows into");
	if (s->limit_bytes)
		tour_value(p, "stack_limit_bytes", (double)s->limit_bytes, TOUR_BYTES,
			   "of which it may have (ulimit -s)");
	picture_named(s->map, HEAP, &start, &end);
	tour_strip(p, "the heap", s->map, start, end);
	picture_named(s->map, STACK, &start, &end);
	tour_strip(p, "the stack", s->map, start, end);
}

static void say(struct tour_page *p, const struct seen *s)
{
	tour_text(
		p,
		"The heap grows up, the stack grows down, and libraries lie in the hole between. "
		"The heap is made larger by a call, which only writes down its new end; the stack "
		"by touching what is below it, which the kernel takes for growing. Neither takes "
		"memory until a page is touched, and then one page, by one fault.");
	say_heap(p, s->on_heap);
	say_stack(p, s->on_stack);
	say_holes(p, s);
	tour_command(p, "grep -A2 -E '\\[(heap|stack)\\]' /proc/$$/smaps");
	tour_command(p, "upager map $$ | grep -E 'heap|stack'");
	tour_command(p, "ulimit -s");
}

int tour_grow(struct tour_page *p)
{
	struct seen seen = { 0 };
	struct actor a;
	int err = actor_start(&a, act, NULL);

	if (err)
		return err;
	err = measure(&a, &seen);
	actor_end(&a);
	if (!err)
		say(p, &seen);
	picture_free(seen.map);
	return err;
}
