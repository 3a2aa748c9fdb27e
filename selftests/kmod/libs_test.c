// SPDX-License-Identifier: GPL-2.0-only
/* Mapped ELF objects against /proc/PID/smaps, the files' own headers, and all other processes. */
#include "maps.h"
#include "report.h"

#include <elf.h>
#include <glob.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define NR_OBJECTS_MAX 512
#define HEADERS_MAX    64

/* What the report should say of one file. */
struct object {
	unsigned int dev_major, dev_minor;
	uint64_t inode, nr_maps;
	const char *path;
	uint64_t start, end, mapped, resident, shared, private_, proportional, processes;
	uint64_t text, rodata, relro, data, bss;
};

static struct object objects[NR_OBJECTS_MAX];
static unsigned int nr_objects;

static uint64_t down(uint64_t value)
{
	return value & ~(PAGE_SIZE - 1);
}

static uint64_t up(uint64_t value)
{
	return down(value + PAGE_SIZE - 1);
}

/* By the addresses of pages: each page of a segment is asked what it is. */
static void object_size(struct object *object, const Elf64_Phdr *header, unsigned int nr)
{
	const Elf64_Phdr *relro = NULL;

	for (unsigned int i = 0; i < nr; i++)
		if (header[i].p_type == PT_GNU_RELRO)
			relro = &header[i];
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t start = header[i].p_vaddr, file_end = start + header[i].p_filesz;
		uint64_t page, end = start + header[i].p_memsz;

		if (header[i].p_type != PT_LOAD)
			continue;
		for (page = down(start); page < up(file_end); page += PAGE_SIZE) {
			bool sealed = relro && page >= down(relro->p_vaddr) &&
				      page + PAGE_SIZE <= relro->p_vaddr + relro->p_memsz;

			if (header[i].p_flags & PF_X)
				object->text += PAGE_SIZE;
			else if (!(header[i].p_flags & PF_W))
				object->rodata += PAGE_SIZE;
			else if (sealed)
				object->relro += PAGE_SIZE;
			else
				object->data += PAGE_SIZE;
		}
		object->bss += up(end) - up(file_end);
	}
}

/* True for an ELF file, by its own path or, where that is gone, by the mapping itself. */
static bool object_is(pid_t pid, const struct map *map, struct object *object)
{
	char path[128];
	Elf64_Phdr header[HEADERS_MAX];
	Elf64_Ehdr elf = { 0 };
	bool is;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, map->start, map->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	is = pread(fd, &elf, sizeof(elf), 0) == sizeof(elf) &&
	     !memcmp(elf.e_ident, ELFMAG, SELFMAG) && elf.e_phnum <= HEADERS_MAX &&
	     pread(fd, header, elf.e_phnum * sizeof(header[0]), (off_t)elf.e_phoff) ==
		     (ssize_t)(elf.e_phnum * sizeof(header[0]));
	close(fd);
	if (is && object)
		object_size(object, header, elf.e_phnum);
	return is;
}

static struct object *object_of(const struct map *map)
{
	for (unsigned int i = 0; i < nr_objects; i++)
		if (objects[i].inode == map->inode && objects[i].dev_major == map->dev_major &&
		    objects[i].dev_minor == map->dev_minor)
			return &objects[i];
	return NULL;
}

static void objects_collect(pid_t pid)
{
	nr_objects = 0;
	for (unsigned int i = 0; i < maps.nr; i++) {
		const struct map *map = &maps.map[i];
		struct object *object = object_of(map);

		if (map->name[0] != '/' || !map->inode)
			continue;
		if (!object) {
			object = &objects[nr_objects];
			memset(object, 0, sizeof(*object));
			if (nr_objects == NR_OBJECTS_MAX || !object_is(pid, map, object))
				continue;
			nr_objects++;
			object->dev_major = map->dev_major;
			object->dev_minor = map->dev_minor;
			object->inode = map->inode;
			object->path = map->name;
			object->start = map->start;
		}
		object->end = map->end;
		object->nr_maps++;
		object->mapped += map->end - map->start;
		object->resident += map->resident_bytes;
		object->shared += map->shared_bytes;
		object->private_ += map->private_bytes;
		object->proportional += map->proportional_bytes;
	}
}

/* Each process that has a line for the file, once. */
static void objects_count(void)
{
	static char text[SMAPS_SIZE];
	glob_t all;

	if (glob("/proc/[0-9]*", 0, NULL, &all))
		return;
	for (size_t i = 0; i < all.gl_pathc; i++) {
		bool seen[NR_OBJECTS_MAX] = { false };

		if (maps_take(atoi(all.gl_pathv[i] + 6), "maps", text))
			continue;
		for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
			struct map map;
			struct object *object;

			if (sscanf(line, "%lx-%lx %*s %*x %x:%x %lu", &map.start, &map.end,
				   &map.dev_major, &map.dev_minor, &map.inode) != 5)
				continue;
			object = map.inode ? object_of(&map) : NULL;
			if (object && !seen[object - objects]) {
				seen[object - objects] = true;
				object->processes++;
			}
		}
	}
	globfree(&all);
}

/* Numbers of the holes nearest below and above an object. */
static unsigned int hole_below(const struct object *object)
{
	unsigned int number = 0;

	while (number < maps.nr_holes && maps.hole[number].end <= object->start)
		number++;
	return number;
}

static unsigned int hole_above(const struct object *object)
{
	for (unsigned int i = 0; i < maps.nr_holes; i++)
		if (maps.hole[i].start >= object->end)
			return i + 1;
	return 0;
}

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
	EXPECT_NEXT("text_bytes", 10, object->text);
	EXPECT_NEXT("rodata_bytes", 10, object->rodata);
	EXPECT_NEXT("relro_bytes", 10, object->relro);
	EXPECT_NEXT("data_bytes", 10, object->data);
	EXPECT_NEXT("bss_bytes", 10, object->bss);
	EXPECT_NEXT("object_mapped_bytes", 10, object->mapped);
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
	objects_collect(pid);
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

TEST_HARNESS_MAIN
