// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/types.h"
#include "base/progress.h"
#include "cli/tour/actor.h"
#include "cli/tour/picture.h"
#include "cli/tour/proc.h"
#include "cli/tour/service.h"
#include "cli/tour/step.h"
#include "kernel/pagemap.h"
#include "lib/upager.h"

#define MEMORY_BYTES (32UL << 20)
#define MEMORY_PAGES (MEMORY_BYTES >> PAGE_SHIFT)
#define BUDGET_BYTES (8UL << 20)
#define ENOUGH_BYTES (1UL << 20)
#define AREA_BYTES   (64UL << 20)
#define WAIT_NS	     (20 * NS_PER_S)
#define WAIT_MAX_NS  (60 * NS_PER_S)
#define LOOK_NS	     (20 * NS_PER_MS)
#define NR_SAMPLES   32
#define CHUNK_BYTES  (1UL << 20)

enum what {
	FILL,
	TOUCH, /* a page */
};

struct state {
	uint64_t *memory;
	uint64_t seed;
};

/* No two pages are alike, and none is like another run's. */
static uint64_t word_of(const struct state *s, size_t page, size_t word)
{
	uint64_t x = s->seed + (page << 9 | word) * 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	return x ^ x >> 27;
}

static int fill(struct state *s, uint64_t *result)
{
	void *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	madvise(memory, MEMORY_BYTES, MADV_NOHUGEPAGE);
	s->memory = memory;
	for (size_t page = 0; page < MEMORY_PAGES; page++)
		for (size_t word = 0; word < PAGE_SIZE / 8; word++)
			s->memory[page << 9 | word] = word_of(s, page, word);
	result[0] = (uintptr_t)memory;
	return 0;
}

static int touch(const struct state *s, size_t page, uint64_t *result)
{
	const volatile uint64_t *at = &s->memory[page << 9];
	uint64_t begin_ns, value;
	int err = proc_entry((const void *)at, &result[1]);

	begin_ns = clock_ns();
	value = *at;
	result[0] = clock_ns() - begin_ns;
	result[3] = value == word_of(s, page, 0);
	return err ?: proc_entry((const void *)at, &result[2]);
}

static int act(void *state, uint32_t what, uint64_t arg, uint64_t *result)
{
	struct state *s = state;

	switch ((enum what)what) {
	case FILL:
		return fill(s, result);
	case TOUCH:
		return touch(s, arg, result);
	}
	return -EINVAL;
}

struct seen {
	struct upager *u;
	const char *area; /* NULL: it may not be read */
	struct state state; /* the program has a copy of it */
	pid_t pid;
	uint64_t start;
	struct upager_record record;
	struct map *map;
	uint64_t page;
	uint64_t offset; /* in the area; 0: not found */
	uint64_t before; /* its entry */
	uint64_t after;
	bool same; /* what was read is what was written */
	uint64_t fault_ns; /* the first */
	uint64_t mean_ns; /* of some */
	uint32_t nr_samples;
};

static bool is_out(const struct seen *s, uint64_t page)
{
	struct upager_where where;

	return !upager_where(s->u, s->pid, s->start + (page << PAGE_SHIFT), PAGE_SIZE, 1, &where) &&
	       where.part[0].swapped_pages;
}

static int look(struct seen *s)
{
	struct upager_record *record;
	uint32_t nr;
	int err = upager_status(s->u, s->pid, &record, &nr);

	if (err)
		return err;
	if (nr)
		s->record = *record;
	free(record);
	return 0;
}

/*
 * Three quarters of it have to go; some of that will do where it is slow, as on old kernels.
 * Less will not: but as long as something goes, more is waited for.
 */
static int wait_out(struct seen *s)
{
	uint64_t begin_ns = clock_ns(), gone_ns = begin_ns, now_ns, before;
	const struct upager_record *r = &s->record;
	int err;

	for (;;) {
		before = r->evictions + r->swapped_bytes + r->state;
		err = look(s);
		if (err)
			return err;
		if (r->resident_bytes <= BUDGET_BYTES && r->swapped_bytes >= MEMORY_BYTES / 4)
			return 0;
		now_ns = clock_ns();
		if (before != r->evictions + r->swapped_bytes + r->state)
			gone_ns = now_ns;
		if (now_ns - begin_ns > WAIT_NS && r->swapped_bytes >= ENOUGH_BYTES)
			return 0;
		if (now_ns - gone_ns > WAIT_NS || now_ns - begin_ns > WAIT_MAX_NS)
			return -ETIMEDOUT;
		if (progress_interrupted())
			return -EINTR;
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
	}
}

/* Looks through the area for a page. */
static uint64_t find_on_disk(const struct seen *s)
{
	unsigned char *chunk = malloc(CHUNK_BYTES);
	int fd = s->area ? open(s->area, O_RDONLY | O_CLOEXEC) : -1;
	uint64_t found = 0, word[2];
	ssize_t n;

	word[0] = word_of(&s->state, s->page, 0);
	word[1] = word_of(&s->state, s->page, 1);
	for (off_t at = 0; chunk && fd >= 0 && !found; at += n) {
		n = pread(fd, chunk, CHUNK_BYTES, at);
		if (n <= 0)
			break;
		for (size_t i = 0; i + PAGE_SIZE <= (size_t)n; i += PAGE_SIZE)
			if (!memcmp(chunk + i, word, sizeof(word)))
				found = (uint64_t)at + i;
	}
	if (fd >= 0)
		close(fd);
	free(chunk);
	return found;
}

static int sample(const struct actor *a, struct seen *s)
{
	uint64_t result[ACTOR_RESULTS], sum_ns = 0;

	for (uint64_t i = 0; i < NR_SAMPLES; i++) {
		uint64_t page = (s->page + (i + 1) * (MEMORY_PAGES / NR_SAMPLES)) % MEMORY_PAGES;
		int err;

		if (!is_out(s, page))
			continue;
		err = actor_ask(a, TOUCH, page, result);
		if (err)
			return err;
		s->same = s->same && result[3];
		sum_ns += result[0];
		s->nr_samples++;
	}
	s->mean_ns = s->nr_samples ? sum_ns / s->nr_samples : 0;
	return 0;
}

static int watch_page(const struct actor *a, struct seen *s)
{
	uint64_t result[ACTOR_RESULTS];
	int err;

	while (s->page < MEMORY_PAGES && !is_out(s, s->page))
		s->page++;
	if (s->page == MEMORY_PAGES)
		return -ENODATA;
	s->offset = find_on_disk(s);
	s->map = picture_take(s->pid);
	err = s->map ? actor_ask(a, TOUCH, s->page, result) : -ESRCH;
	if (err)
		return err;
	s->fault_ns = result[0];
	s->before = result[1];
	s->after = result[2];
	s->same = result[3];
	return sample(a, s);
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
	s->pid = a.pid;
	err = actor_ask(&a, FILL, 0, result);
	s->start = result[0];
	/* It does not mind to be stopped at once. */
	err = err ?: upager_attach(s->u, s->pid, BUDGET_BYTES, UPAGER_ATTACH_NOW, NULL) ?:
	      wait_out(s) ?: watch_page(&a, s);
	actor_end(&a);
	return err;
}

static void say_page(struct tour_page *p, const struct seen *s)
{
	static const char *const headings[] = { "PRESENT", "LATENCY", "SAME DATA" };
	const struct tour_value before[] = {
		{ "before_present", s->before & PAGEMAP_PRESENT ? 1 : 0, TOUR_FLAG },
		{ NULL, 0, TOUR_NS },
		{ NULL, 0, TOUR_FLAG },
	};
	const struct tour_value after[] = {
		{ "after_present", s->after & PAGEMAP_PRESENT ? 1 : 0, TOUR_FLAG },
		{ "fault_ns", (double)s->fault_ns, TOUR_NS },
		{ "same_data", s->same, TOUR_FLAG },
	};

	tour_table(p, "one page of it", 3, headings);
	tour_row(p, "out", 3, before, TOUR_NO_BAR);
	tour_row(p, "touched: back by userfaultfd", 3, after, TOUR_NO_BAR);
	tour_table(p, "", 0, NULL);
	if (s->offset)
		tour_value(p, "area_offset_bytes", (double)s->offset, TOUR_COUNT,
			   "while out: byte of the swap area it is at");
	if (s->nr_samples)
		tour_value(p, "mean_fault_ns", (double)s->mean_ns, TOUR_NS,
			   "latency of some more faults, on average");
}

static void say(struct tour_page *p, const struct seen *s)
{
	tour_text(
		p,
		"upagerd is a pager in user space. What is more than a program's budget it takes "
		"out: pages move to the swap area, and their entries become empty. The next touch "
		"is a fault that the kernel does not serve; it tells the daemon by userfaultfd, "
		"which reads the page, checks its checksum, and has it put in place. The program "
		"waits, and knows nothing of it.");
	tour_table(p, "a program with 32M, and a budget", 0, NULL);
	tour_value(p, "budget_bytes", (double)s->record.budget_bytes, TOUR_BYTES, "budget");
	tour_value(p, "resident_bytes", (double)s->record.resident_bytes, TOUR_BYTES,
		   "resident of its memory");
	tour_value(p, "standby_bytes", (double)s->record.standby_bytes, TOUR_BYTES,
		   "out, but in the daemon's memory yet (standby)");
	tour_value(p, "swapped_bytes", (double)s->record.swapped_bytes, TOUR_BYTES,
		   "in the swap area only");
	say_page(p, s);
	tour_strip(p, "its memory", s->map, s->start, s->start + MEMORY_BYTES);
	tour_text(p, "The latency is what the program waited.%s",
		  s->offset ? " The byte was found by looking through the area for what the page "
			      "holds."
			    : "");
	tour_command(p, "upager run --budget 8M -- sh -c 'seq 300000 | sort -S 32M | tail -n 1'");
	tour_command(p, "upager status");
	tour_command(p, "upager top -b -n 1");
	if (!s->area)
		tour_more(p, "Root would see where in the swap area the page is.");
}

/* With the daemon at UPAGER_SOCKET. */
static int run(struct tour_page *p, const char *area)
{
	struct seen seen = { .area = area };
	int err = upager_open(NULL, &seen.u);

	if (err)
		return tour_skip(p, "this step needs root, who gets an upagerd of its own, or a "
				    "running upagerd and membership in the group of its socket.");
	err = measure(&seen);
	if (!err)
		say(p, &seen);
	else if (err == -ETIMEDOUT)
		err = tour_skip(p, "too little went out (%llu KiB); the daemon says: %s",
				seen.record.swapped_bytes >> 10,
				seen.record.text[0] ? seen.record.text : "nothing");
	else if (upager_last_reply(seen.u)->text[0] && err != -EINTR)
		err = tour_skip(p, "%s", upager_last_reply(seen.u)->text);
	upager_close(seen.u);
	picture_free(seen.map);
	return err;
}

int tour_pager(struct tour_page *p)
{
	char cause[SERVICE_CAUSE_BYTES] = "";
	struct service service;
	int err;

	if (geteuid())
		return run(p, NULL);
	if (service_start(&service, AREA_BYTES, cause))
		return tour_skip(p, "an upagerd of the tour's own cannot be had: %s", cause);
	err = run(p, service.area);
	service_end(&service);
	return err;
}
