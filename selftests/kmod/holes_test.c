// SPDX-License-Identifier: GPL-2.0-only
/* Holes against /proc/PID/maps: each of them, its neighbours and its role, and all the sums. */
#include "actor.h"
#include "maps.h"
#include "report.h"

#include <inttypes.h>
#include <sys/resource.h>

FIXTURE(holes)
{
	pid_t pid;
	uint64_t room; /* addresses that nothing has */
};

FIXTURE_SETUP(holes)
{
	void *room;

	ASSERT_EQ(0, actor_stage());
	room = mmap(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	munmap(room, 64 << 20);
	self->room = (uint64_t)room;
	self->pid = actor_start();
	ASSERT_LT(0, self->pid);
}

FIXTURE_TEARDOWN(holes)
{
	actor_leave();
}

struct sums {
	uint64_t count, bytes, largest, heap, stack, mapped;
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct sums sum_up(uint64_t limit)
{
	struct sums sums = { 0 };
	const struct map *heap = NULL;

	for (unsigned int i = 0; i < maps.nr; i++) {
		if (maps.map[i].start < limit)
			sums.mapped += maps.map[i].end - maps.map[i].start;
		if (!strcmp(maps.map[i].name, "[heap]"))
			heap = &maps.map[i];
	}
	for (unsigned int i = 0; i < maps.nr_holes; i++) {
		uint64_t start = maps.hole[i].start, end = maps.hole[i].end;

		end = end < limit ? end : limit;
		if (start >= end)
			continue;
		sums.count++;
		sums.bytes += end - start;
		sums.largest = end - start > sums.largest ? end - start : sums.largest;
		if (heap && start == heap->end)
			sums.heap = end - start;
		if (!strcmp(maps.hole[i].above, "[stack]"))
			sums.stack = end - start;
	}
	return sums;
}

/* maps has no name for memory without a file; the report may have one of its own. */
static bool same_name(const char *report, const char *in_maps)
{
	return in_maps[0] ? !strcmp(report, in_maps) : !strncmp(report, "[anon", 5);
}

static void compare_hole(struct __test_metadata *_metadata, struct report_line *line,
			 const struct hole *hole)
{
	bool heap = !strcmp(hole->below, "[heap]"), stack = !strcmp(hole->above, "[stack]");
	const char *role = heap && stack ? "heap,stack" : heap ? "heap" : "stack";
	struct report_line ahead;

	EXPECT_STREQ("hole_start", line->key);
	EXPECT_EQ(hole->start, strtoull(line->value, NULL, 16));
	EXPECT_EQ(0, strncmp(line->value, "0x", 2));
	EXPECT_TRUE(report_next(line) && !strcmp(line->key, "hole_end"));
	EXPECT_EQ(hole->end, strtoull(line->value, NULL, 16));
	EXPECT_TRUE(report_next(line) && !strcmp(line->key, "hole_bytes"));
	EXPECT_EQ(hole->end - hole->start, strtoull(line->value, NULL, 10));
	EXPECT_TRUE(report_next(line) && !strcmp(line->key, "hole_below"));
	EXPECT_TRUE(same_name(line->value, hole->below))
	{
		TH_LOG("below %#lx: %s, not %s", hole->start, line->value, hole->below);
	}
	EXPECT_TRUE(report_next(line) && !strcmp(line->key, "hole_above"));
	EXPECT_TRUE(same_name(line->value, hole->above))
	{
		TH_LOG("above %#lx: %s, not %s", hole->start, line->value, hole->above);
	}
	ahead = *line;
	if (heap || stack) {
		EXPECT_TRUE(report_next(line) && !strcmp(line->key, "hole_role"));
		EXPECT_STREQ(role, line->value);
	} else {
		EXPECT_FALSE(report_next(&ahead) && !strcmp(ahead.key, "hole_role"));
	}
}

static void compare_holes(struct __test_metadata *_metadata)
{
	struct report_line line = { 0 };
	char number[16];
	unsigned int nr = 0;

	while (report_next(&line)) {
		if (strcmp(line.key, "hole"))
			continue;
		ASSERT_LT(nr, maps.nr_holes);
		snprintf(number, sizeof(number), "%u", nr + 1);
		EXPECT_STREQ(number, line.value);
		ASSERT_TRUE(report_next(&line));
		compare_hole(_metadata, &line, &maps.hole[nr++]);
	}
	EXPECT_EQ(maps.nr_holes, nr);
}

/* What the stack may still grow by. */
static uint64_t stack_left(pid_t pid)
{
	struct rlimit limit = { 0 };

	prlimit(pid, RLIMIT_STACK, NULL, &limit);
	for (unsigned int i = 0; i < maps.nr; i++)
		if (!strcmp(maps.map[i].name, "[stack]"))
			return limit.rlim_cur - (maps.map[i].end - maps.map[i].start);
	return 0;
}

static void compare(struct __test_metadata *_metadata, pid_t pid)
{
	struct sums space = sum_up(UINT64_MAX), window = sum_up(WINDOW_END);

	EXPECT_EQ(0, strncmp(report.text, "version 1\n", 10));
	EXPECT_EQ(space.count, report_value("holes_count"));
	EXPECT_EQ(space.bytes, report_value("holes_bytes"));
	EXPECT_EQ(space.largest, report_value("largest_hole_bytes"));
	EXPECT_EQ(space.heap, report_value("heap_hole_bytes"));
	EXPECT_EQ(least(space.stack, stack_left(pid)), report_value("stack_hole_bytes"));
	EXPECT_EQ(space.mapped, report_value("mapped_bytes"));
	EXPECT_EQ(maps.space_bytes, report_value("space_bytes"));
	EXPECT_EQ(maps.space_bytes, space.mapped + space.bytes);
	EXPECT_EQ((uint64_t)((unsigned __int128)space.mapped * 1000000 / maps.space_bytes),
		  report_value("space_used_ppm"));
	EXPECT_EQ(WINDOW_END, report_value("window_bytes"));
	EXPECT_EQ(window.mapped, report_value("window_mapped_bytes"));
	EXPECT_EQ(window.count, report_value("window_holes_count"));
	EXPECT_EQ(window.bytes, report_value("window_holes_bytes"));
	EXPECT_EQ((uint64_t)((unsigned __int128)window.mapped * 1000000 / WINDOW_END),
		  report_value("window_used_ppm"));
	compare_holes(_metadata);
}

/* A hole of the report with these ends. */
static bool has_hole(uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < maps.nr_holes; i++)
		if (maps.hole[i].start == start && maps.hole[i].end == end)
			return true;
	return false;
}

TEST_F_TIMEOUT(holes, crafted_ones, LIMIT_S)
{
	static const unsigned int pieces[][2] = { { 1, 2 }, { 4, 1 }, { 6, 10 }, { 100, 3 } };
	const uint64_t room = self->room + (16 << 20);
	uint64_t before, bytes = 0;

	ASSERT_EQ(0, module_track(self->pid));
	ASSERT_EQ(0, report_read_tracked(self->pid, "holes"));
	before = report_value("holes_bytes");
	for (unsigned int i = 0; i < 4; i++) {
		ASSERT_TRUE(actor_do(0, ACT_MAP, room + pieces[i][0] * PAGE_SIZE, pieces[i][1]));
		bytes += pieces[i][1] * PAGE_SIZE;
	}
	ASSERT_EQ(0, maps_take(self->pid, "maps", maps_text[0]));
	ASSERT_EQ(0, report_read_tracked(self->pid, "holes"));
	maps_parse();
	ASSERT_TRUE(has_hole(room + 3 * PAGE_SIZE, room + 4 * PAGE_SIZE));
	ASSERT_TRUE(has_hole(room + 5 * PAGE_SIZE, room + 6 * PAGE_SIZE));
	ASSERT_TRUE(has_hole(room + 16 * PAGE_SIZE, room + 100 * PAGE_SIZE));
	EXPECT_EQ(before - bytes, report_value("holes_bytes"));
	compare(_metadata, self->pid);

	/* A hole closes when what lies between two mappings is mapped. */
	ASSERT_TRUE(actor_do(0, ACT_MAP, room + 3 * PAGE_SIZE, 1));
	ASSERT_EQ(0, maps_take(self->pid, "maps", maps_text[0]));
	ASSERT_EQ(0, report_query(self->pid));
	maps_parse();
	EXPECT_FALSE(has_hole(room + 3 * PAGE_SIZE, room + 4 * PAGE_SIZE));
	compare(_metadata, self->pid);
}

TEST_F_TIMEOUT(holes, of_whoever_asks, LIMIT_S)
{
	pid_t pid = getpid();

	maps_space();
	ASSERT_TRUE(wait_until(!maps_take(pid, "maps", maps_text[0]) && !report_query(pid) &&
			       maps_still(pid, "maps")));
	maps_parse();
	compare(_metadata, pid);
	EXPECT_TRUE(report_is("comm", "holes_test"));
	EXPECT_EQ((uint64_t)pid, report_value("pid"));
}

TEST_F_TIMEOUT(holes, of_other_programs, LIMIT_S)
{
	static const char *const commands[] = { "/bin/sh", "/usr/bin/busybox", "/usr/bin/python3" };
	unsigned int nr = 0;

	for (unsigned int i = 0; i < 3; i++) {
		int fds[2];
		pid_t pid;

		if (access(commands[i], X_OK))
			continue;
		ASSERT_EQ(0, pipe(fds));
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			dup2(fds[0], 0);
			close(fds[1]);
			if (strstr(commands[i], "busybox"))
				execl(commands[i], "cat", NULL);
			execl(commands[i], commands[i], "-", NULL);
			_exit(1);
		}
		/* Until it reads what never comes. */
		ASSERT_TRUE(wait_until(!maps_take(pid, "syscall", maps_text[0]) &&
				       !strncmp(maps_text[0], "0 0x0 ", 6)));
		EXPECT_EQ(0, maps_take(pid, "maps", maps_text[0]));
		EXPECT_EQ(0, report_query(pid));
		maps_parse();
		compare(_metadata, pid);
		nr++;
		close(fds[0]);
		close(fds[1]);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	EXPECT_LT(0, nr);
}

static uint64_t status_bytes(pid_t pid, const char *key)
{
	char path[64], line[256];
	uint64_t kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			kib = strtoull(line + strlen(key) + 1, NULL, 10);
	if (f)
		fclose(f);
	return kib * 1024;
}

/* The room that there is, and that nobody may use, is none. */
TEST_F_TIMEOUT(holes, limits_count, LIMIT_S)
{
	struct rlimit stack = { 2 << 20, 2 << 20 }, data = { 0, RLIM_INFINITY }, space;

	ASSERT_EQ(0, prlimit(self->pid, RLIMIT_STACK, &stack, NULL));
	data.rlim_cur = status_bytes(self->pid, "VmData:") + (1 << 20);
	ASSERT_EQ(0, prlimit(self->pid, RLIMIT_DATA, &data, NULL));
	ASSERT_EQ(0, maps_take(self->pid, "maps", maps_text[0]));
	ASSERT_EQ(0, report_query(self->pid));
	maps_parse();
	EXPECT_EQ(stack_left(self->pid), report_value("stack_hole_bytes"));
	EXPECT_EQ(1 << 20, report_value("heap_hole_bytes"));

	space.rlim_cur = space.rlim_max = status_bytes(self->pid, "VmSize:") + (256 << 10);
	ASSERT_EQ(0, prlimit(self->pid, RLIMIT_AS, &space, NULL));
	ASSERT_EQ(0, report_query(self->pid));
	EXPECT_EQ(256 << 10, report_value("stack_hole_bytes"));
	EXPECT_EQ(256 << 10, report_value("heap_hole_bytes"));
}

TEST_HARNESS_MAIN
