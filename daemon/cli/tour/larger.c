// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/types.h"
#include "base/progress.h"
#include "cli/tour/actor.h"
#include "cli/tour/picture.h"
#include "cli/tour/proc.h"
#include "cli/tour/scratch.h"
#include "cli/tour/service.h"
#include "cli/tour/step.h"
#include "lib/upager.h"

#define WISHED_BYTES (4UL << 30)
#define LEAST_BYTES  (64UL << 20)
#define TIMES	     16 /* it is so many times as large as its budget */
#define PIECE_BYTES  (4UL << 20)
/* A slow device makes the program smaller, not the step longer; but for who names a size. */
#define PART_NS	     (11 * NS_PER_S)
#define LOOK_MS	     20
#define PAGED_NS     (20 * NS_PER_S)

enum what {
	RESERVE, /* bytes */
	WRITE, /* a piece */
	READ, /* a piece; how many pages are not as they were written */
};

struct state {
	uint64_t *memory;
	uint64_t seed;
};

static uint64_t word_at(const struct state *s, uint64_t word)
{
	return (s->seed + word) * 0x9e3779b97f4a7c15ULL;
}

static int reserve(struct state *s, uint64_t bytes, uint64_t *result)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	s->memory = memory;
	result[0] = (uintptr_t)memory;
	return 0;
}

static uint64_t wrong_pages(const struct state *s, uint64_t first, uint64_t end)
{
	const uint64_t words = PAGE_SIZE / sizeof(*s->memory);
	uint64_t wrong = 0;

	for (uint64_t page = first; page < end; page += words) {
		bool same = true;

		for (uint64_t i = page; i < page + words; i++)
			same &= s->memory[i] == word_at(s, i);
		wrong += !same;
	}
	return wrong;
}

static int act(void *state, uint32_t what, uint64_t arg, uint64_t *result)
{
	const uint64_t words = PIECE_BYTES / sizeof(uint64_t);
	struct state *s = state;

	switch ((enum what)what) {
	case RESERVE:
		return reserve(s, arg, result);
	case WRITE:
		for (uint64_t i = arg * words; i < (arg + 1) * words; i++)
			s->memory[i] = word_at(s, i);
		return 0;
	case READ:
		result[0] = wrong_pages(s, arg * words, (arg + 1) * words);
		return 0;
	}
	return -EINVAL;
}

struct seen {
	struct upager *u;
	struct state state; /* the program has a copy of it */
	uint64_t wished_bytes;
	uint64_t limit_ns; /* of writing, and of reading */
	uint64_t budget_bytes;
	uint64_t start;
	uint64_t written_bytes; /* so large is the program */
	uint64_t read_bytes; /* and so much of it was compared */
	uint64_t wrong_pages;
	uint64_t write_ns;
	uint64_t read_ns;
	uint64_t peak_bytes; /* most that it had in memory */
	struct upager_record record;
	struct map *map;
};

/* A piece, while it is looked at what the program has in memory. */
static int ask_piece(const struct actor *a, struct seen *s, enum what what, uint64_t piece,
		     uint64_t *result)
{
	uint64_t resident_bytes;
	int err = actor_tell(a, what, piece);

	while (!err) {
		err = proc_get(a->pid, "status", "RssAnon", &resident_bytes);
		if (!err)
			s->peak_bytes = max_t(uint64_t, s->peak_bytes, resident_bytes);
		if (progress_interrupted())
			err = -EINTR;
		if (!err && actor_answers(a, LOOK_MS))
			return actor_answer(a, result);
	}
	return err;
}

static int look(struct seen *s, pid_t pid)
{
	struct upager_record *record = NULL;
	uint32_t nr = 0;
	int err = upager_status(s->u, pid, &record, &nr);

	if (!err && nr)
		s->record = record[0];
	free(record);
	return err ?: nr ? 0 : -ESRCH;
}

/* It is begun with when it comes near its budget; it has that, and waits for it. */
static int wait_paged(const struct actor *a, struct seen *s)
{
	uint64_t until_ns = clock_ns() + PAGED_NS;
	int err = look(s, a->pid);

	while (!err && s->record.state != UPAGER_PROC_PAGED && clock_ns() < until_ns) {
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * (long)NS_PER_MS }, NULL);
		err = progress_interrupted() ? -EINTR : look(s, a->pid);
	}
	return err;
}

static int write_all(const struct actor *a, struct seen *s)
{
	uint64_t result[ACTOR_RESULTS], begin_ns = clock_ns();
	int err = 0;

	while (!err && s->written_bytes < s->wished_bytes && clock_ns() - begin_ns < s->limit_ns) {
		err = ask_piece(a, s, WRITE, s->written_bytes / PIECE_BYTES, result);
		s->written_bytes += PIECE_BYTES;
		if (err || s->written_bytes != s->budget_bytes / PIECE_BYTES * PIECE_BYTES)
			continue;
		err = wait_paged(a, s);
		/* Of a program that is small yet. */
		begin_ns = clock_ns();
	}
	s->write_ns = clock_ns() - begin_ns;
	return err;
}

/* What was written first is read first: it is out. */
static int read_all(const struct actor *a, struct seen *s)
{
	uint64_t result[ACTOR_RESULTS], begin_ns = clock_ns();
	int err = 0;

	while (!err && s->read_bytes < s->written_bytes && clock_ns() - begin_ns < s->limit_ns) {
		err = ask_piece(a, s, READ, s->read_bytes / PIECE_BYTES, result);
		s->wrong_pages += err ? 0 : result[0];
		s->read_bytes += PIECE_BYTES;
	}
	s->read_ns = clock_ns() - begin_ns;
	return err;
}

static int measure(struct seen *s)
{
	uint64_t result[ACTOR_RESULTS] = { 0 };
	struct actor a;
	int err;

	s->state.seed = clock_ns();
	err = actor_start(&a, act, &s->state);
	if (err)
		return err;
	err = actor_ask(&a, RESERVE, s->wished_bytes, result);
	s->start = result[0];
	/* It does not mind to be stopped at once. */
	err = err ?: upager_attach(s->u, a.pid, s->budget_bytes, UPAGER_ATTACH_NOW, NULL) ?:
	      write_all(&a, s) ?: look(s, a.pid);
	if (!err && !(s->map = picture_take(a.pid)))
		err = -ESRCH;
	err = err ?: read_all(&a, s);
	actor_end(&a);
	return err;
}

static void say(struct tour_page *p, const struct seen *s)
{
	tour_text(p,
		  "Addresses are one thing, memory is another: a program may use more of the one "
		  "than there is of the other, as long as something keeps what has no room. Here "
		  "the budget is the memory, and the swap area keeps the rest. The program writes "
		  "all of it, then reads all of it and compares each word with what it wrote.");
	tour_table(p, "a program that is larger than its budget", 0, NULL);
	tour_value(p, "size_bytes", (double)s->written_bytes, TOUR_BYTES, "written by it");
	tour_value(p, "budget_bytes", (double)s->budget_bytes, TOUR_BYTES, "its budget");
	tour_value(p, "peak_bytes", (double)s->peak_bytes, TOUR_BYTES,
		   "the most that it had in memory (RssAnon)");
	tour_value(p, "swapped_bytes", (double)s->record.swapped_bytes, TOUR_BYTES,
		   "in the swap area when all was written");
	tour_value(p, "write_ns", (double)s->write_ns, TOUR_NS, "to write it");
	tour_value(p, "read_bytes", (double)s->read_bytes, TOUR_BYTES, "read again, and compared");
	tour_value(p, "read_ns", (double)s->read_ns, TOUR_NS, "for that");
	tour_value(p, "wrong_pages", (double)s->wrong_pages, TOUR_PAGES, "that differ");
	tour_strip(p, "all written", s->map, s->start, s->start + s->written_bytes);
	if (s->written_bytes < s->wished_bytes || s->read_bytes < s->written_bytes)
		tour_text(p, "The step stops after some seconds; a faster disk for TMPDIR would "
			     "take more of it.");
	tour_command(p, "upager run --budget 8M -- sh -c 'seq 300000 | sort -S 32M | tail -n 1'");
	tour_command(p, "upager status");
	tour_more(p, "--size gives the program another size; its budget is a sixteenth of that.");
}

/* As large as wished, if there is room for it. */
static int choose_size(struct tour_page *p, struct seen *s, uint64_t room_bytes)
{
	s->wished_bytes = p->size_bytes ? p->size_bytes : WISHED_BYTES;
	s->limit_ns = p->size_bytes ? UINT64_MAX : PART_NS;
	s->wished_bytes = max_t(uint64_t, s->wished_bytes, LEAST_BYTES);
	if (s->wished_bytes > room_bytes)
		s->wished_bytes = room_bytes;
	s->wished_bytes &= ~(PIECE_BYTES - 1);
	s->budget_bytes = s->wished_bytes / TIMES;
	return s->wished_bytes >= LEAST_BYTES ? 0 : -ENOSPC;
}

/* With the daemon at UPAGER_SOCKET. */
static int run(struct tour_page *p, struct seen *s)
{
	int err = measure(s);

	if (!err)
		say(p, s);
	else if (upager_last_reply(s->u)->text[0] && err != -EINTR)
		err = tour_skip(p, "%s", upager_last_reply(s->u)->text);
	picture_free(s->map);
	return err;
}

/* A running one, that has half of its area to spare for this. */
static int run_asked(struct tour_page *p)
{
	struct upager_record daemon;
	struct seen seen = { 0 };
	int err = upager_open(NULL, &seen.u);

	if (err)
		return tour_skip(p, "this step needs root, who gets an upagerd of its own, or a "
				    "running upagerd and membership in the group of its socket.");
	if (upager_ping(seen.u, &daemon) ||
	    choose_size(p, &seen, daemon.slots_free * PAGE_SIZE / 2))
		err = tour_skip(
			p, "the running upagerd has less than %lu MiB of its swap areas to spare.",
			2 * LEAST_BYTES >> 20);
	else
		err = run(p, &seen);
	upager_close(seen.u);
	return err;
}

int tour_larger(struct tour_page *p)
{
	char cause[SERVICE_CAUSE_BYTES] = "";
	struct seen seen = { 0 };
	struct service service;
	int err;

	if (geteuid())
		return run_asked(p);
	if (choose_size(p, &seen, scratch_room_bytes() / 2))
		return tour_skip(p,
				 "there are less than %lu MiB free for its files; name another "
				 "folder by TMPDIR.",
				 2 * LEAST_BYTES >> 20);
	/* Some room beside: what was written stays there when it is read. */
	if (service_start(&service, seen.wished_bytes + seen.wished_bytes / 8, cause))
		return tour_skip(p, "an upagerd of the tour's own cannot be had: %s", cause);
	err = upager_open(NULL, &seen.u);
	if (!err) {
		err = run(p, &seen);
		upager_close(seen.u);
	}
	service_end(&service);
	return err;
}
