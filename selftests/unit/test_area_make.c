// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <sys/resource.h>

#include "area_fixture.h"

static void test_made_anew(void **state)
{
	struct fixture *f = *state;
	struct superblock first;

	assert_int_equal(make(f, MIB, 0), 0);
	first = f->sb;
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_int_equal(make(f, 0, 0), 0);
	assert_memory_not_equal(first.uuid, f->sb.uuid, 16);
	assert_int_equal(f->sb.nr_slots, 256);
	assert_int_equal(file_stat(f).st_mode & 07777, 0600);
}

static void test_needs_size(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f, 0, 0), -ENOENT);
	assert_cause(f, "--size");
	assert_no_file(f);
	write_file(f, "", 0, 0);
	assert_int_equal(make(f, 0, 0), -EINVAL);
	assert_cause(f, "too small");
	assert_int_equal(unlink(f->path), 0);
	snprintf(f->path, sizeof(f->path), "%s/none/area", f->dir);
	assert_int_equal(make(f, MIB, 0), -ENOENT);
	assert_cause(f, f->path);
}

static void test_too_small(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f, AREA_SLOTS_MIN * 4096 - 1, 0), -EINVAL);
	assert_cause(f, "32.0K");
	assert_no_file(f);
	assert_int_equal(make(f, AREA_SLOTS_MIN * 4096, 0), 0);
	assert_int_equal(f->sb.nr_slots, AREA_SLOTS_MIN);
	assert_int_equal(open_spec(f, ""), 0);
}

static void test_grow(void **state)
{
	struct fixture *f = *state;

	write_file(f, "", 1, 65535);
	assert_int_equal(make(f, MIB + 100, 0), 0);
	assert_int_equal(f->sb.nr_slots, 256);
	assert_int_equal(file_stat(f).st_size, MIB);
	assert_int_equal(make(f, MIB / 2, 0), -EINVAL);
	assert_cause(f, "larger");
	assert_int_equal(file_stat(f).st_size, MIB);
	/* Holes of an existing file are filled, too. */
	assert_int_equal(truncate(f->path, 3 * MIB + 100), 0);
	assert_int_equal(make(f, 0, 0), 0);
	assert_int_equal(f->sb.nr_slots, 768);
	assert_true((uint64_t)file_stat(f).st_blocks * 512 >= 3 * MIB);
}

/* A file system that is full, by way of the limit on the size of files. */
static void test_no_space(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ MIB, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(make(f, 2 * MIB, 0), -EFBIG);
	assert_cause(f, "2.0M of space");
	assert_no_file(f);
	write_file(f, "", 1, 40000);
	assert_int_equal(make(f, 2 * MIB, 0), -EFBIG);
	assert_int_equal(file_stat(f).st_size, 40001);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
}

struct seen {
	uint64_t done_bytes;
	uint64_t stop_bytes; /* it is given up there */
	unsigned int times;
};

static bool see_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
	struct seen *seen = context;

	assert_int_equal(total_bytes, 300 * MIB);
	assert_true(!seen->times++ || done_bytes > seen->done_bytes);
	assert_true(done_bytes < total_bytes);
	seen->done_bytes = done_bytes;
	return done_bytes >= seen->stop_bytes;
}

/* Given up, a file that was made is gone, and one that was there is as it was. */
static void test_interrupted(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { .stop_bytes = 100 * MIB };
	struct area_make_options opt = { .size_bytes = 300 * MIB,
					 .progress = see_progress,
					 .context = &seen };
	struct stat st;

	assert_int_equal(area_make(f->path, &opt, &f->sb, f->cause), -ECANCELED);
	assert_non_null(strstr(f->cause, "interrupted"));
	assert_in_range(seen.done_bytes, 100 * MIB, 200 * MIB);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(make(f, MIB, 0), 0);
	seen = (struct seen){ .stop_bytes = 100 * MIB };
	assert_int_equal(area_make(f->path, &opt, &f->sb, f->cause), -ECANCELED);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, MIB);
	assert_int_equal(open_spec(f, ""), 0);
	area_close(&f->area);
	seen = (struct seen){ .stop_bytes = UINT64_MAX };
	assert_int_equal(area_make(f->path, &opt, &f->sb, f->cause), 0);
	assert_true(seen.times > 1);
	assert_int_equal(stat(f->path, &st), 0);
	assert_true((uint64_t)st.st_blocks * 512 >= 300 * MIB);
}

static void test_label(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make_label(f, "123456789012345678901234567890123"), -EINVAL);
	assert_cause(f, "too long");
	assert_no_file(f);
	assert_int_equal(make_label(f, "two\nlines"), -EINVAL);
	assert_no_file(f);
	assert_int_equal(make_label(f, "12345678901234567890123456789012"), 0);
	assert_string_equal(f->sb.label, "12345678901234567890123456789012");
	assert_int_equal(make_label(f, "grün"), 0);
	assert_int_equal(make_label(f, ""), 0);
	assert_string_equal(f->sb.label, "");
}

static void test_data_is_kept(void **state)
{
	static const char thesis[] = "A thesis, the only copy";
	struct fixture *f = *state;
	char text[sizeof(thesis)];

	write_file(f, thesis, sizeof(thesis), 0);
	write_file(f, "", 1, 99999);
	assert_int_equal(make(f, MIB, 0), -EEXIST);
	assert_cause(f, "--force");
	read_file(f, text, sizeof(text), 0);
	assert_string_equal(text, thesis);
	assert_int_equal(file_stat(f).st_size, 100000);
	assert_int_equal(file_stat(f).st_mode & 0777, 0644);
	assert_int_equal(make(f, MIB, 1), 0);
	assert_int_equal(open_spec(f, ""), 0);
}

/* A swap signature in the first block, an ISO 9660 one far behind it. */
static void write_swap(struct fixture *f)
{
	static const uint32_t header[] = { 1, 255, 0 };

	write_file(f, "", 1, MIB - 1);
	write_file(f, header, sizeof(header), 1024);
	write_file(f, "SWAPSPACE2", 10, 4086);
}

static void write_iso(struct fixture *f)
{
	write_file(f, "", 1, MIB - 1);
	write_file(f, "\1CD001\1", 7, 32768);
	write_file(f, "\377CD001\1", 7, 34816);
}

static void test_signatures_are_kept(void **state)
{
	struct fixture *f = *state;
	char text[10];

	write_swap(f);
	assert_int_equal(make(f, 0, 0), -EEXIST);
	assert_cause(f, "swap");
	assert_cause(f, "--force");
	read_file(f, text, 10, 4086);
	assert_memory_equal(text, "SWAPSPACE2", 10);
	assert_int_equal(make(f, 0, 1), 0);
	assert_int_equal(make(f, 0, 0), 0);

	assert_int_equal(unlink(f->path), 0);
	write_iso(f);
	assert_int_equal(make(f, 0, 0), -EEXIST);
	assert_cause(f, "iso9660");
	read_file(f, text, 6, 32768);
	assert_memory_equal(text, "\1CD001", 6);
	/* Forced, it must not be found in what is swapped out. */
	assert_int_equal(make(f, 0, 1), 0);
	read_file(f, text, 6, 32768);
	assert_memory_not_equal(text, "\1CD001", 6);
	assert_int_equal(make(f, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_made_anew), TEST(test_needs_size),   TEST(test_too_small),
		TEST(test_grow),      TEST(test_no_space),     TEST(test_interrupted),
		TEST(test_label),     TEST(test_data_is_kept), TEST(test_signatures_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
