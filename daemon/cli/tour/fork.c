// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/types.h"
#include "cli/query.h"
#include "cli/tour/actor.h"
#include "cli/tour/picture.h"
#include "cli/tour/proc.h"
#include "cli/tour/step.h"

#define MEMORY_BYTES (64UL << 20)
#define MEMORY_PAGES (MEMORY_BYTES >> PAGE_SHIFT)
/* The child writes each page of one eighth in the middle. */
#define WRITE_FIRST  (MEMORY_PAGES / 2)
#define WRITE_PAGES  (MEMORY_PAGES / 8)

enum what {
	FILL,
	COPY,
	FORK, /* and whom it asks is the child from then on: */
	WRITE,
};

struct state {
	unsigned char *memory;
	struct actor child;
};

static unsigned char *map_memory(void)
{
	unsigned char *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	/* Pages are counted one by one. */
	madvise(memory, MEMORY_BYTES, MADV_NOHUGEPAGE);
	return memory;
}

static int copy(const struct state *s, uint64_t *result)
{
	struct proc_faults before = proc_faults();
	uint64_t begin_ns = clock_ns();
	unsigned char *memory = map_memory();

	if (!memory)
		return -errno;
	memcpy(memory, s->memory, MEMORY_BYTES);
	result[0] = clock_ns() - begin_ns;
	result[1] = proc_faults().minor - before.minor;
	munmap(memory, MEMORY_BYTES);
	return 0;
}

static int write_pages(const struct state *s, uint64_t *result)
{
	struct proc_faults before = proc_faults();
	uint64_t begin_ns = clock_ns();

	for (size_t i = WRITE_FIRST; i < WRITE_FIRST + WRITE_PAGES; i++)
		s->memory[i << PAGE_SHIFT]++;
	result[0] = clock_ns() - begin_ns;
	result[1] = proc_faults().minor - before.minor;
	return 0;
}

static int act(void *state, uint32_t what, uint64_t arg, uint64_t *result)
{
	struct state *s = state;
	int err;

	(void)arg;
	switch ((enum what)what) {
	case FILL:
		s->memory = map_memory();
		if (!s->memory)
			return -errno;
		memset(s->memory, 1, MEMORY_BYTES);
		result[0] = (uintptr_t)s->memory;
		return 0;
	case COPY:
		return copy(s, result);
	case FORK:
		err = actor_start(&s->child, act, s);
		result[0] = (uint64_t)s->child.pid;
		result[1] = s->child.fork_ns;
		return err;
	case WRITE:
		/* The child has no child. */
		if (s->child.pid)
			return actor_ask(&s->child, WRITE, 0, result);
		return write_pages(s, result);
	}
	return -EINVAL;
}

struct seen {
	uint64_t start;
	pid_t child;
	struct map *forked; /* the child's */
	struct map *written;
	uint64_t copy_ns;
	uint64_t copy_faults;
	uint64_t fork_ns;
	uint64_t tables_bytes;
	uint64_t private_before;
	uint64_t private_after;
	uint64_t write_ns;
	uint64_t write_faults;
	bool counted; /* by the module */
	uint64_t copies;
};

/* The module counts from here on, for as long as the descriptor is open. */
static int begin_tracking(pid_t pid)
{
	int fd = open("/proc/upager/track", O_RDWR | O_CLOEXEC);
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", pid);

	if (fd >= 0 && write(fd, text, (size_t)len) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void ask_module(int track, struct seen *seen)
{
	struct report report;

	if (track < 0 || query_ask(seen->child, &report))
		return;
	seen->counted = true;
	seen->copies = report_number(&report, REPORT_COW, 0, "copies");
	report_fini(&report);
}

static void say_table(struct tour_page *p, const struct seen *s)
{
	static const char *const headings[] = { "TIME", "COPIED" };
	const struct tour_value forked[] = {
		{ "fork_ns", (double)s->fork_ns, TOUR_NS },
		{ "fork_copied_pages", (double)(s->private_before >> PAGE_SHIFT), TOUR_PAGES },
	};
	const struct tour_value copied[] = {
		{ "copy_ns", (double)s->copy_ns, TOUR_NS },
		{ "copy_copied_pages", (double)s->copy_faults, TOUR_PAGES },
	};
	const struct tour_value wrote[] = {
		{ "write_ns", (double)s->write_ns, TOUR_NS },
		{ "write_copied_pages",
		  (double)((s->private_after - s->private_before) >> PAGE_SHIFT), TOUR_PAGES },
	};

	tour_table(p, "64M in memory: pages copied", 2, headings);
	tour_row(p, "fork()", 2, forked, 0);
	tour_row(p, "a copy of all of it", 2, copied, 0);
	tour_row(p, "the child writes an eighth", 2, wrote, 0);
}

static void say(struct tour_page *p, const struct seen *s)
{
	tour_text(p,
		  "fork() makes a process by copying page tables, not pages: parent and child see "
		  "the same frames, write-protected. Who writes to one first takes a fault, in "
		  "which the kernel copies that page and no other. What nobody writes is never "
		  "copied: a process that is forked to execute another program costs its page "
		  "tables.");
	say_table(p, s);
	tour_value(p, "tables_bytes", (double)s->tables_bytes, TOUR_BYTES,
		   "page tables of the child (VmPTE)");
	tour_value(p, "shared_pages", (double)((MEMORY_BYTES - s->private_after) >> PAGE_SHIFT),
		   TOUR_PAGES, "pages still shared at the end");
	tour_value(p, "write_faults", (double)s->write_faults, TOUR_COUNT,
		   "minor faults while the child wrote");
	if (s->counted)
		tour_value(p, "module_copies", (double)s->copies, TOUR_PAGES,
			   "copies of the child, by the module");
	tour_strip(p, "child, forked", s->forked, s->start, s->start + MEMORY_BYTES);
	tour_strip(p, "child, wrote", s->written, s->start, s->start + MEMORY_BYTES);
	tour_text(p, "Copied is what is Private_Dirty in smaps of the child; for the copy, the "
		     "faults that it took to fill new memory.");
	tour_command(p,
		     "sh -c '(while read k v; do echo $k $v; done </proc/self/smaps_rollup); :'");
	tour_command(p, "upager map $$");
	if (!s->counted)
		tour_more(p, "The module counts the copies one by one, and says where they were: "
			     "upager stat -- COMMAND.");
}

/* The child is as it was forked, and then as it has written. */
static int watch_child(const struct actor *parent, struct seen *s)
{
	uint64_t result[ACTOR_RESULTS];
	int err;

	err = proc_get(s->child, "status", "VmPTE", &s->tables_bytes)
		      ?: proc_get_mapping(s->child, s->start, "Private_Dirty", &s->private_before);
	if (!err && !(s->forked = picture_take(s->child)))
		err = -ESRCH;
	err = err ?: actor_ask(parent, WRITE, 0, result);
	if (err)
		return err;
	s->write_ns = result[0];
	s->write_faults = result[1];
	err = proc_get_mapping(s->child, s->start, "Private_Dirty", &s->private_after);
	if (!err && !(s->written = picture_take(s->child)))
		err = -ESRCH;
	return err;
}

static int measure(const struct actor *parent, struct seen *s)
{
	uint64_t result[ACTOR_RESULTS] = { 0 };
	int track, err = actor_ask(parent, FILL, 0, result);

	s->start = result[0];
	err = err ?: actor_ask(parent, COPY, 0, result);
	s->copy_ns = result[0];
	s->copy_faults = result[1];
	err = err ?: actor_ask(parent, FORK, 0, result);
	if (err)
		return err;
	s->child = (pid_t)result[0];
	s->fork_ns = result[1];
	track = begin_tracking(s->child);
	err = watch_child(parent, s);
	ask_module(track, s);
	if (track >= 0)
		close(track);
	return err;
}

int tour_fork(struct tour_page *p)
{
	struct state state = { 0 };
	struct seen seen = { 0 };
	struct actor parent;
	int err = actor_start(&parent, act, &state);

	if (err)
		return err;
	err = measure(&parent, &seen);
	actor_end(&parent);
	if (!err)
		say(p, &seen);
	picture_free(seen.forked);
	picture_free(seen.written);
	return err;
}
