// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/types.h"
#include "cli/query.h"
#include "cli/tour/picture.h"
#include "cli/tour/proc.h"
#include "cli/tour/program.h"
#include "cli/tour/step.h"

#define COPIES_MAX 8

/* So many copies have been looked at. */
static const struct row {
	uint32_t copies;
	const char *label;
	const char *rss;
	const char *pss;
	const char *own;
} rows[] = {
	{ 1, "1 process", "rss_1_bytes", "pss_1_bytes", "private_1_bytes" },
	{ 2, "2 processes", "rss_2_bytes", "pss_2_bytes", "private_2_bytes" },
	{ 4, "4 processes", "rss_4_bytes", "pss_4_bytes", "private_4_bytes" },
	{ 8, "8 processes", "rss_8_bytes", "pss_8_bytes", "private_8_bytes" },
};

struct seen {
	uint64_t rss[ARRAY_SIZE(rows)]; /* sums */
	uint64_t pss[ARRAY_SIZE(rows)];
	uint64_t own[ARRAY_SIZE(rows)]; /* of those with files of their own */
	bool has_module;
	uint64_t users; /* address spaces that map the C library, by the module */
	int own_err; /* why there are none */
	uint64_t shared_bytes; /* of one of the last */
	struct map *map;
	struct map *own_map;
};

static int sum(const struct program *prog, uint32_t nr, const char *key, uint64_t *bytes)
{
	uint64_t value;
	int err = 0;

	*bytes = 0;
	for (uint32_t i = 0; i < nr && !err; i++) {
		err = proc_get(prog[i].pid, "smaps_rollup", key, &value);
		if (!err)
			*bytes += value;
	}
	return err;
}

static void ask_module(pid_t pid, struct seen *s)
{
	struct report report;

	if (query_ask(pid, &report))
		return;
	s->has_module = true;
	for (uint32_t i = 1; i <= report.items[REPORT_LIBS].nr; i++)
		if (strstr(report_text(&report, REPORT_LIBS, i, "object_path"), "/libc."))
			s->users = report_number(&report, REPORT_LIBS, i, "object_processes");
	report_fini(&report);
}

static int measure_shared(struct program *prog, struct seen *s)
{
	uint64_t dirty_bytes = 0; /* of a file system in memory */
	uint32_t nr = 0;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && !err; i++) {
		while (nr < rows[i].copies && !err)
			err = program_start(&prog[nr++]);
		err = err ?: sum(prog, rows[i].copies, "Rss", &s->rss[i]) ?:
		      sum(prog, rows[i].copies, "Pss", &s->pss[i]);
	}
	err = err ?: sum(prog, 1, "Shared_Clean", &s->shared_bytes) ?:
	      sum(prog, 1, "Shared_Dirty", &dirty_bytes);
	s->shared_bytes += dirty_bytes;
	if (!err)
		ask_module(prog[0].pid, s);
	if (!err && !(s->map = picture_take(prog[0].pid)))
		err = -ESRCH;
	return err;
}

/* The files are gone again when this returns: who maps them keeps them. */
static int start_private(struct program *prog, pid_t like)
{
	char folder[SCRATCH_PATH_BYTES];
	int err = scratch_folder(folder, NULL);

	if (err)
		return err;
	err = program_start_private(prog, like, folder);
	scratch_folder_remove(folder);
	return err;
}

static int measure_private(struct program *prog, pid_t like, struct seen *s)
{
	uint32_t nr = 0;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && !err; i++) {
		while (nr < rows[i].copies && !err)
			err = start_private(&prog[nr++], like);
		err = err ?: sum(prog, rows[i].copies, "Pss", &s->own[i]);
	}
	if (!err && !(s->own_map = picture_take(prog[0].pid)))
		err = -ESRCH;
	return err;
}

static void say_pictures(struct tour_page *p, const struct seen *s)
{
	uint64_t start, end;

	if (picture_object(s->map, "/libc.", &start, &end))
		tour_strip(p, "the C library", s->map, start, end);
	if (s->own_map && picture_object(s->own_map, "/libc.", &start, &end))
		tour_strip(p, "a copy of its own", s->own_map, start, end);
}

static void say_table(struct tour_page *p, const struct seen *s)
{
	static const char *const headings[] = { "RSS", "PSS", "OWN FILES" };

	tour_table(p, "cat, waiting; all together", 3, headings);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct tour_value values[] = {
			{ rows[i].rss, (double)s->rss[i], TOUR_BYTES },
			{ rows[i].pss, (double)s->pss[i], TOUR_BYTES },
			{ s->own_err ? NULL : rows[i].own, (double)s->own[i], TOUR_BYTES },
		};

		tour_row(p, rows[i].label, 3, values, s->own_err ? 1 : 2);
	}
}

static void say(struct tour_page *p, const struct seen *s)
{
	size_t last = ARRAY_SIZE(rows) - 1;

	tour_text(p,
		  "Libraries are mapped into the holes between heap and stack. Their text is the "
		  "same for everybody, so all processes map the same frames, and only what they "
		  "write, their data, is copied for each. Rss counts a shared page for everybody "
		  "who maps it, Pss a part of it for each: the sum of Pss is what there is.");
	say_table(p, s);
	tour_table(p, "", 0, NULL);
	tour_value(p, "shared_bytes", (double)s->shared_bytes, TOUR_BYTES,
		   "of one process shared (Shared_*)");
	tour_value(p, "pss_each_bytes", (double)s->pss[last] / rows[last].copies, TOUR_BYTES,
		   "what one of eight costs, shared");
	if (!s->own_err)
		tour_value(p, "private_each_bytes", (double)s->own[last] / rows[last].copies,
			   TOUR_BYTES, "what one of eight costs, not shared");
	if (s->users)
		tour_value(p, "module_users", (double)s->users, TOUR_COUNT,
			   "that map the C library, by the module");
	say_pictures(p, s);
	tour_text(p, "OWN FILES: each process runs from copies of the program and its libraries "
		     "that nobody else maps, as if there were no sharing.");
	tour_command(p, "grep -E '^(Rss|Pss|Shared_.*):' /proc/$$/smaps_rollup");
	tour_command(p, "grep -c libc.so /proc/[0-9]*/maps 2>/dev/null | grep -vc ':0$'");
	tour_command(p, "upager stat $$");
	if (!s->has_module)
		tour_more(p, "The module would count who maps the library, of all users.");
	if (s->own_err)
		tour_more(p,
			  "Where programs can be executed in TMPDIR, here: %s, it would also "
			  "run copies with libraries of their own.",
			  strerror(-s->own_err));
}

int tour_libs(struct tour_page *p)
{
	struct program shared[COPIES_MAX] = { 0 }, own[COPIES_MAX] = { 0 };
	struct seen seen = { 0 };
	int err = measure_shared(shared, &seen);

	if (!err)
		seen.own_err = measure_private(own, shared[0].pid, &seen);
	for (uint32_t i = 0; i < COPIES_MAX; i++) {
		program_end(&shared[i]);
		program_end(&own[i]);
	}
	if (!err)
		say(p, &seen);
	picture_free(seen.map);
	picture_free(seen.own_map);
	return err;
}
