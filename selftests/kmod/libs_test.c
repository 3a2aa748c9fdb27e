// SPDX-License-Identifier: GPL-2.0-only
/* Programs and libraries against /proc/PID/smaps and all other processes. */
#include "selftests/fuse.h"
#include "maps.h"
#include "objects.h"
#include "report.h"

#include <glob.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* smaps gives whole KiB of each mapping. */
static void expect_proportional(struct __test_metadata *_metadata, uint64_t expected,
				uint64_t nr_maps, uint64_t is)
{
	EXPECT_LE(expected, is);
	EXPECT_GE(expected + nr_maps * 1024, is);
}

#define EXPECT_NEXT(name, base, expected)                                                     \
	do {                                                                                  \
		uint64_t _want = expected;                                                    \
		EXPECT_TRUE(report_next(line) && !strcmp(line->key, name));                   \
		EXPECT_EQ(_want, strtoull(line->value, NULL, base))                           \
		{                                                                             \
			TH_LOG("%s: %s %s, not %lu", object->path, name, line->value, _want); \
		}                                                                             \
	} while (0)

static void compare_object(struct __test_metadata *_metadata, struct report_line *line,
			   const struct object *object)
{
	EXPECT_TRUE(report_next(line) && !strcmp(line->key, "object_path"));
	EXPECT_STREQ(object->path, line->value);
	EXPECT_NEXT("object_start", 16, object->start);
	EXPECT_NEXT("object_end", 16, object->end);
	EXPECT_NEXT("object_mapped_bytes", 10, object->mapped);
	EXPECT_NEXT("object_executable_bytes", 10, object->executable);
	EXPECT_NEXT("object_writable_bytes", 10, object->writable);
	EXPECT_NEXT("object_readonly_bytes", 10, object->readonly);
	EXPECT_NEXT("object_resident_bytes", 10, object->resident);
	EXPECT_NEXT("object_shared_bytes", 10, object->shared);
	EXPECT_NEXT("object_private_bytes", 10, object->private_);
	EXPECT_TRUE(report_next(line) && !strcmp(line->key, "object_proportional_bytes"));
	expect_proportional(_metadata, object->proportional, object->nr_maps,
			    strtoull(line->value, NULL, 10));
	EXPECT_NEXT("object_processes", 10, object->processes);
	EXPECT_NEXT("object_hole_below", 10, hole_below(object));
	EXPECT_NEXT("object_hole_above", 10, hole_above(object));
}

static void compare_sums(struct __test_metadata *_metadata)
{
	struct object sum = { 0 };

	for (unsigned int i = 0; i < nr_objects; i++) {
		sum.mapped += objects[i].mapped;
		sum.resident += objects[i].resident;
		sum.shared += objects[i].shared;
		sum.private_ += objects[i].private_;
		sum.proportional += objects[i].proportional;
		sum.nr_maps += objects[i].nr_maps;
	}
	EXPECT_EQ(nr_objects, report_value("libs_count"));
	EXPECT_EQ(sum.mapped, report_value("libs_mapped_bytes"));
	EXPECT_EQ(sum.resident, report_value("libs_resident_bytes"));
	EXPECT_EQ(sum.shared, report_value("libs_shared_bytes"));
	EXPECT_EQ(sum.private_, report_value("libs_private_bytes"));
	expect_proportional(_metadata, sum.proportional, sum.nr_maps,
			    report_value("libs_proportional_bytes"));
}

/* Between two equal looks of smaps, so that both are of the same pages. */
static void compare(struct __test_metadata *_metadata, pid_t pid)
{
	struct report_line line = { 0 };
	unsigned int nr = 0;

	ASSERT_TRUE(wait_until(!maps_take(pid, "smaps", maps_text[0]) && !report_query(pid) &&
			       maps_still(pid, "smaps")));
	maps_parse();
	objects_collect();
	ASSERT_LT(0, nr_objects);
	objects_count();
	compare_sums(_metadata);
	while (report_next(&line)) {
		if (strcmp(line.key, "object"))
			continue;
		ASSERT_LT(nr, nr_objects);
		EXPECT_EQ(nr + 1, strtoul(line.value, NULL, 10));
		compare_object(_metadata, &line, &objects[nr++]);
	}
	EXPECT_EQ(nr_objects, nr);
}

FIXTURE(libs)
{
	pid_t pid;
	int to[2], from[2];
};

FIXTURE_SETUP(libs)
{
	ASSERT_EQ(0, pipe(self->to));
	ASSERT_EQ(0, pipe(self->from));
}

FIXTURE_TEARDOWN(libs)
{
	if (self->pid <= 0)
		return;
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
}

/* Starts a program that says something once it is there, and then waits to be told something. */
static bool start(FIXTURE_DATA(libs) * self, char *const argv[])
{
	char byte;

	self->pid = fork();
	if (!self->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		dup2(self->to[0], 0);
		dup2(self->from[1], 1);
		close(self->to[1]);
		close(self->from[0]);
		execv(argv[0], argv);
		_exit(127);
	}
	close(self->from[1]);
	return self->pid > 0 && read(self->from[0], &byte, 1) == 1;
}

TEST_F_TIMEOUT(libs, of_init, LIMIT_S)
{
	compare(_metadata, 1);
}

TEST_F_TIMEOUT(libs, of_this_test, LIMIT_S)
{
	compare(_metadata, getpid());
}

TEST_F_TIMEOUT(libs, of_a_shell, LIMIT_S)
{
	ASSERT_TRUE(start(self, (char *[]){ "/bin/sh", "-c", "echo; read x", NULL }));
	compare(_metadata, self->pid);
}

/*
 * Children share what their parent has, and make pages of data their own.  A shell gives those in
 * the background /dev/null to read, at which they would end while they are counted.
 */
TEST_F_TIMEOUT(libs, of_a_shell_with_children, LIMIT_S)
{
	ASSERT_TRUE(start(self, (char *[]){ "/bin/sh", "-c",
					    "exec 3<&0; (read x <&3) & (read x <&3) & echo; read x",
					    NULL }));
	compare(_metadata, self->pid);
}

TEST_F_TIMEOUT(libs, of_python, LIMIT_S)
{
	if (access("/usr/bin/python3", X_OK))
		SKIP(return, "no python3 here");
	ASSERT_TRUE(start(self, (char *[]){ "/usr/bin/python3", "-c",
					    "import socket, ctypes, sys; print(flush=True); "
					    "sys.stdin.read()",
					    NULL }));
	compare(_metadata, self->pid);
}

TEST_F_TIMEOUT(libs, of_redis, LIMIT_S)
{
	if (access("/usr/bin/redis-server", X_OK))
		SKIP(return, "no redis-server here");
	ASSERT_TRUE(start(self, (char *[]){ "/usr/bin/redis-server", "--port", "0", "--unixsocket",
					    "/tmp/upager-libs.sock", "--save", "", NULL }));
	ASSERT_TRUE(wait_until(!access("/tmp/upager-libs.sock", F_OK)));
	compare(_metadata, self->pid);
	unlink("/tmp/upager-libs.sock");
}

/* An object whose file is gone, and one whose name has what would break a line. */
TEST_F_TIMEOUT(libs, of_a_deleted_file, LIMIT_S)
{
	static const char name[] = "/tmp/up\nager\\";
	uint64_t count;

	ASSERT_EQ(0, system("cp /bin/sh '/tmp/up\nager\\'"));
	ASSERT_TRUE(start(self, (char *[]){ (char *)name, "-c", "echo; read x", NULL }));
	ASSERT_EQ(0, report_query(self->pid));
	count = report_value("libs_count");
	EXPECT_TRUE(report_is("object_path", "/tmp/up\\012ager\\134"));
	EXPECT_EQ(0, unlink(name));
	ASSERT_EQ(0, report_query(self->pid));
	EXPECT_TRUE(report_is("object_path", "/tmp/up\\012ager\\134 (deleted)"));
	EXPECT_EQ(count, report_value("libs_count"));
	EXPECT_LT(0, count);
}

/* Says whether a new look at this process has one object more, which is of this name. */
static bool is_object(const char *path)
{
	struct report_line line = { 0 };

	if (report_query(getpid()))
		return false;
	while (report_next(&line))
		if (!strcmp(line.key, "object_path") && !strcmp(line.value, path))
			return true;
	return false;
}

/* What a file begins with makes no library of it, and what it is mapped for does. */
TEST_F_TIMEOUT(libs, is_what_can_be_executed, LIMIT_S)
{
	static const char name[] = "/tmp/upager-libs";
	char bytes[3 * PAGE_SIZE] = "\177ELF\2\1\1";
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	char *data, *code;

	ASSERT_EQ((ssize_t)sizeof(bytes), write(fd, bytes, sizeof(bytes)));
	data = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, data);
	EXPECT_FALSE(is_object(name));

	ASSERT_EQ(1, pwrite(fd, "#", 1, 0));
	code = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 2 * PAGE_SIZE);
	ASSERT_NE(MAP_FAILED, code);
	EXPECT_TRUE(is_object(name));
	munmap(data, PAGE_SIZE);
	munmap(code, PAGE_SIZE);
	close(fd);
	unlink(name);
}

/* A page of code, as often as is asked for; the first of them. */
static char *map_code(int fd, unsigned int times)
{
	char *room = mmap(NULL, times * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned int i = 0; room != MAP_FAILED && i < times; i++)
		if (mmap(room + i * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_EXEC,
			 MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
			return MAP_FAILED;
	return room;
}

static uint64_t nr_processes(const char *path)
{
	struct report_line line = { 0 };
	bool found = false;

	if (report_query(getpid()))
		return REPORT_NONE;
	while (report_next(&line)) {
		if (!strcmp(line.key, "object_path"))
			found = !strcmp(line.value, path);
		if (found && !strcmp(line.key, "object_processes"))
			return strtoull(line.value, NULL, 10);
	}
	return REPORT_NONE;
}

/* Many processes are counted each once; mappings that would hold everybody up are not counted. */
TEST_F_TIMEOUT(libs, of_many_processes_and_mappings, LIMIT_S)
{
	static const char name[] = "/tmp/upager-many";
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	/* More than a look at them has room for; a kernel that checks every access forks slowly. */
	const unsigned int nr = access("/sys/kernel/debug/kmemleak", F_OK) ? 900 : 450;
	static pid_t pids[900];
	char *code;

	ASSERT_EQ(0, ftruncate(fd, PAGE_SIZE));
	code = map_code(fd, 2);
	ASSERT_NE(MAP_FAILED, code);
	for (unsigned int i = 0; i < nr; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			pause();
		}
		ASSERT_LT(0, pids[i]);
	}
	EXPECT_EQ(nr + 1, nr_processes(name));
	for (unsigned int i = 0; i < nr; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	EXPECT_EQ(1, nr_processes(name));
	ASSERT_NE(MAP_FAILED, map_code(fd, 20000));
	EXPECT_EQ(REPORT_NONE, nr_processes(name));
	EXPECT_TRUE(is_object(name));
	close(fd);
	unlink(name);
}

/* A program on a file system whose server answers whom it likes. */
TEST_F_TIMEOUT(libs, of_a_file_that_nobody_can_read, LIMIT_S)
{
	struct fuse fuse;
	pid_t reader;
	int status;
	void *code;

	if (!fuse_start(&fuse, 0))
		SKIP(return, "no FUSE here");
	code = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fuse.file, 0);
	ASSERT_NE(MAP_FAILED, code);
	reader = fork();
	if (!reader)
		_exit(!is_object(fuse.path));
	/* The server ends only when the test does, and until then does not answer. */
	EXPECT_TRUE(wait_until(waitpid(reader, &status, WNOHANG) == reader))
	{
		TH_LOG("who asks waits for the file system's server");
	}
	EXPECT_EQ(0, status);
	munmap(code, PAGE_SIZE);
	fuse_stop(&fuse);
}

TEST_HARNESS_MAIN
