// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "base/types.h"
#include "cli/tour/actor.h"
#include "cli/tour/crowd.h"
#include "cli/tour/image.h"
#include "cli/tour/picture.h"
#include "cli/tour/program.h"
#include "cli/tour/scratch.h"
#include "cli/tour/step.h"

#define MEMORY_BYTES (64UL << 20)
#define CROWDS	     2 /* IMAGE_WHOLE, IMAGE_DEMAND */

static const struct row {
	uint32_t nr;
	const char *label[CROWDS];
	const char *per_s[CROWDS];
	const char *response[CROWDS];
	const char *cpu[CROWDS];
} rows[] = {
	{ 1,
	  { " 1 wanted, whole", " 1 wanted, on demand" },
	  { "whole_1_per_s", "demand_1_per_s" },
	  { "whole_1_response_ns", "demand_1_response_ns" },
	  { "whole_1_cpu_percent", "demand_1_cpu_percent" } },
	{ 4,
	  { " 4 wanted, whole", " 4 wanted, on demand" },
	  { "whole_4_per_s", "demand_4_per_s" },
	  { "whole_4_response_ns", "demand_4_response_ns" },
	  { "whole_4_cpu_percent", "demand_4_cpu_percent" } },
	{ 16,
	  { "16 wanted, whole", "16 wanted, on demand" },
	  { "whole_16_per_s", "demand_16_per_s" },
	  { "whole_16_response_ns", "demand_16_response_ns" },
	  { "whole_16_cpu_percent", "demand_16_cpu_percent" } },
};

struct seen {
	bool on_disk;
	struct image_run run[IMAGE_WAYS];
	uint64_t files_bytes; /* of a program and its libraries */
	uint64_t files_resident_bytes;
	uint64_t fit[CROWDS]; /* at once in the memory */
	struct crowd crowd[ARRAY_SIZE(rows)][CROWDS];
};

static int act(void *state, uint32_t what, uint64_t arg, uint64_t *result)
{
	const struct scratch *file = state;
	struct image_run run;
	int err = image_run(file->fd, (enum image_way)what, &run);

	(void)arg;
	result[0] = run.first_ns;
	result[1] = run.done_ns;
	result[2] = run.private_bytes;
	result[3] = run.read_bytes;
	return err;
}

/* Nothing of the file is in memory when it begins. */
static int run_cold(struct scratch *file, enum image_way way, struct image_run *run)
{
	uint64_t result[ACTOR_RESULTS];
	struct actor a;
	int err;

	scratch_cool(file);
	err = actor_start(&a, act, file);
	if (err)
		return err;
	err = actor_ask(&a, way, 0, result);
	actor_end(&a);
	if (!err)
		*run = (struct image_run){ result[0], result[1], result[2], result[3] };
	return err;
}

/* A real one: how much of it and of its libraries a run needs. */
static int look_at_program(struct seen *s)
{
	struct program prog;
	int err = program_start(&prog);
	struct map *m = err ? NULL : picture_take(prog.pid);

	if (m)
		picture_files(m, &s->files_bytes, &s->files_resident_bytes);
	picture_free(m);
	program_end(&prog);
	return err ?: m ? 0 : -ESRCH;
}

static int measure(struct scratch *file, struct seen *s)
{
	int err = look_at_program(s);

	for (int i = 0; i < IMAGE_WAYS && !err; i++)
		err = run_cold(file, (enum image_way)i, &s->run[i]);
	if (err)
		return err;
	s->on_disk = file->on_disk;
	for (int i = 0; i < CROWDS; i++)
		s->fit[i] = MEMORY_BYTES / max_t(uint64_t, s->run[i].private_bytes, PAGE_SIZE);
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		for (int i = 0; i < CROWDS && !err; i++)
			err = crowd_run(file->fd, (enum image_way)i, rows[k].nr,
					(uint32_t)s->fit[i], &s->crowd[k][i]);
	return err;
}

static void say_one(struct tour_page *p, const struct seen *s)
{
	static const char *const headings[] = { "READ", "MEMORY", "FIRST PAGE", "DONE" };
	static const struct {
		const char *label;
		const char *name[4];
	} ways[IMAGE_WAYS] = {
		{ "loaded whole (MAP_POPULATE)",
		  { "whole_read_bytes", "whole_memory_bytes", "whole_first_ns", "whole_done_ns" } },
		{ "on demand, with neighbours",
		  { "demand_read_bytes", "demand_memory_bytes", "demand_first_ns",
		    "demand_done_ns" } },
		{ "on demand (MADV_RANDOM)",
		  { "single_read_bytes", "single_memory_bytes", "single_first_ns",
		    "single_done_ns" } },
	};

	tour_table(p, "one of them, cold", 4, headings);
	for (int i = 0; i < IMAGE_WAYS; i++) {
		const struct tour_value values[] = {
			{ s->on_disk ? ways[i].name[0] : NULL, (double)s->run[i].read_bytes,
			  TOUR_BYTES },
			{ ways[i].name[1], (double)s->run[i].private_bytes, TOUR_BYTES },
			{ ways[i].name[2], (double)s->run[i].first_ns, TOUR_NS },
			{ ways[i].name[3], (double)s->run[i].done_ns, TOUR_NS },
		};

		tour_row(p, ways[i].label, 4, values, TOUR_NO_BAR);
	}
}

static void say_crowd(struct tour_page *p, const struct seen *s)
{
	static const char *const headings[] = { "RESPONSE", "CPU", "THROUGHPUT" };

	tour_table(p, "in 64M of memory", 3, headings);
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		for (int i = 0; i < CROWDS; i++) {
			const struct tour_value values[] = {
				{ rows[k].response[i], (double)s->crowd[k][i].response_ns,
				  TOUR_NS },
				{ rows[k].cpu[i], s->crowd[k][i].cpu_percent, TOUR_PERCENT },
				{ rows[k].per_s[i], s->crowd[k][i].per_s, TOUR_PER_S },
			};

			tour_row(p, rows[k].label[i], 3, values, 2);
		}
}

static void say(struct tour_page *p, const struct seen *s)
{
	tour_text(
		p,
		"A program rarely needs to be whole in memory: code for errors that do not occur "
		"and tables that are larger than what is in them stay out. Here is one of 32M, of "
		"which a run needs 2M at eight places. Loaded whole, all is read and gets frames "
		"before it does anything. On demand a page gets one by a fault; the device reads "
		"that page, or also neighbours. Less I/O, less memory, a first answer sooner, and "
		"so more programs at once.");
	say_one(p, s);
	tour_table(p, "", 0, NULL);
	tour_value(p, "files_bytes", (double)s->files_bytes, TOUR_BYTES,
		   "a real one: cat and its libraries");
	tour_value(p, "files_resident_bytes", (double)s->files_resident_bytes, TOUR_BYTES,
		   "of them in memory when it waits for input");
	tour_value(p, "whole_fit", (double)s->fit[0], TOUR_COUNT,
		   "fit in 64M at once, loaded whole");
	tour_value(p, "demand_fit", (double)s->fit[1], TOUR_COUNT, "fit on demand");
	say_crowd(p, s);
	tour_text(
		p,
		"READ is read_bytes of /proc/PID/io, MEMORY Private_Dirty, CPU the processor time "
		"of all runs, of all processors. There the tour gives the 64M out itself: a run "
		"starts when what one needed is free, then waits %d ms, as for a user; the file "
		"is in the page cache.",
		CROWD_WAIT_MS);
	tour_command(p, "grep ^read_bytes /proc/$$/io");
	tour_command(p, "cat /sys/block/*/queue/read_ahead_kb  # neighbours");
	if (!s->on_disk)
		tour_more(p, "With TMPDIR on a disk it would show what is read: here it is "
			     "memory.");
	tour_more(p, "A budget that is kept, and evicts what is cold, is upager run --budget 64M.");
}

int tour_demand(struct tour_page *p)
{
	struct seen seen = { 0 };
	struct scratch file;
	int err = scratch_file(&file, IMAGE_BYTES);

	if (err)
		return err;
	err = measure(&file, &seen);
	scratch_end(&file);
	if (!err)
		say(p, &seen);
	return err;
}
