// SPDX-License-Identifier: GPL-2.0-only
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "area_fixture.h"

static void test_make_and_open(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(make_label(f, "fast"), 0);
	assert_string_equal(f->cause, "");
	st = file_stat(f);
	assert_int_equal(st.st_size, MIB);
	assert_true((uint64_t)st.st_blocks * 512 >= MIB);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(open_spec(f, ""), 0);
	assert_int_equal(f->area.sb.nr_slots, 256);
	assert_string_equal(f->area.sb.label, "fast");
	assert_memory_equal(f->area.sb.uuid, f->sb.uuid, 16);
	assert_string_equal(f->area.path, f->path);
	assert_int_equal(f->area.priority, 0);
	assert_int_equal(fcntl(f->area.fd, F_GETFD), FD_CLOEXEC);
}

static void test_in_use(void **state)
{
	struct fixture *f = *state;
	struct area other;

	assert_int_equal(make(f, MIB, 0), 0);
	assert_int_equal(open_spec(f, ""), 0);
	assert_int_equal(area_open(&other, f->path, f->cause), -EBUSY);
	assert_int_equal(other.fd, -1);
	assert_cause(f, "in use");
	assert_int_equal(make(f, 0, 0), -EBUSY);
	assert_int_equal(make(f, 0, 1), -EBUSY);
	assert_int_equal(make(f, 2 * MIB, 1), -EBUSY);
	assert_int_equal(file_stat(f).st_size, MIB);
	area_close(&f->area);
	assert_int_equal(make(f, 0, 0), 0);
}

static int open_changed(struct fixture *f, off_t at, char value)
{
	char old;
	int err;

	read_file(f, &old, 1, at);
	write_file(f, &value, 1, at);
	err = open_spec(f, "");
	write_file(f, &old, 1, at);
	return err;
}

static void test_no_area(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_spec(f, ""), -ENOENT);
	assert_cause(f, "mkswap --size");
	write_file(f, "short", 5, 0);
	assert_int_equal(open_spec(f, ""), -EINVAL);
	assert_cause(f, "run 'upager mkswap");
	assert_int_equal(make(f, MIB, 1), 0);
	assert_int_equal(open_changed(f, 0, 'u'), -EINVAL);
	assert_int_equal(open_changed(f, 8, 2), -EPROTONOSUPPORT);
	assert_cause(f, "version");
	assert_int_equal(open_changed(f, 2000, 1), -EBADMSG);
	assert_cause(f, "corrupt");
	assert_int_equal(f->area.fd, -1);
	assert_int_equal(truncate(f->path, MIB - 1), 0);
	assert_int_equal(open_spec(f, ""), -ERANGE);
	assert_cause(f, "smaller");
	assert_int_equal(truncate(f->path, MIB), 0);
	assert_int_equal(open_spec(f, ""), 0);
}

static void test_spec(void **state)
{
	static const char *const bad[] = { ",pri=",   ",pri=x",	    ",pri=1x",
					   ",pri=1 ", ",pri=40000", ",pri=99999999999999999999" };
	struct fixture *f = *state;
	char long_path[300];

	assert_int_equal(make(f, MIB, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(open_spec(f, bad[i]), -EINVAL);
		assert_cause(f, "pri=N");
	}
	assert_int_equal(open_spec(f, ",pri=-5"), 0);
	assert_int_equal(f->area.priority, -5);
	area_close(&f->area);
	assert_int_equal(open_spec(f, ",prio=5"), -ENOENT);
	assert_int_equal(area_open(&f->area, ",pri=5", f->cause), -EINVAL);
	assert_int_equal(area_open(&f->area, "", f->cause), -EINVAL);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(area_open(&f->area, long_path, f->cause), -ENAMETOOLONG);

	assert_int_equal(unlink(f->path), 0);
	snprintf(f->path, sizeof(f->path), "%s/a,b", f->dir);
	assert_int_equal(make(f, MIB, 0), 0);
	assert_int_equal(open_spec(f, ",pri=7"), 0);
	assert_int_equal(f->area.priority, 7);
	assert_string_equal(f->area.path, f->path);
}

static void test_other_kinds(void **state)
{
	struct fixture *f = *state;
	struct area_make_options opt = { .size_bytes = MIB, .force = 1 };

	assert_int_equal(area_make(f->dir, &opt, &f->sb, f->cause), -EISDIR);
	assert_cause(f, "directory");
	assert_int_equal(area_make("/dev/null", &opt, &f->sb, f->cause), -ENOTBLK);
	assert_int_equal(area_make("", &opt, &f->sb, f->cause), -EINVAL);
	assert_int_equal(area_open(&f->area, f->dir, f->cause), -EISDIR);
	assert_int_equal(area_open(&f->area, "/dev/null", f->cause), -ENOTBLK);
	/* Opening a pipe for writing could wait, or wake a reader. */
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(make(f, MIB, 1), -ENOTBLK);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(symlink("/dev/zero", f->path), 0);
	assert_int_equal(make(f, MIB, 1), -ENOTBLK);
	assert_cause(f, "neither");
}

/* ramfs knows no O_DIRECT. Runs in a child, whose mount goes with it; 2: no right to mount. */
static int open_on_ramfs(struct fixture *f)
{
	int err;

	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", f->dir, "ramfs", 0, NULL))
		return 2;
	if (!make(f, MIB, 0) || make(f, MIB, 1))
		return 1;
	err = open_spec(f, "");
	return err || !strstr(f->cause, "O_DIRECT") || fcntl(f->area.fd, F_GETFL) & O_DIRECT;
}

static void test_without_direct_io(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(open_on_ramfs(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_make_and_open), TEST(test_in_use),	  TEST(test_no_area),
		TEST(test_spec),	  TEST(test_other_kinds), TEST(test_without_direct_io),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
