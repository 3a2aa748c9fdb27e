// SPDX-License-Identifier: GPL-2.0-only
/* What `upager stat` adds to the module's report: segments, by files that it does not trust. */
#include "selftests/fuse.h"
#include "maps.h"

#include <elf.h>

#define HEADERS_MAX 64

struct sizes {
	uint64_t text, rodata, relro, data, bss;
};

/* What it said, as JSON. */
static char said[1 << 20];

FIXTURE(segments)
{
	struct fuse fuse;
	bool mounted;
};

FIXTURE_SETUP(segments)
{
	if (system("upager stat --help >/dev/null 2>&1"))
		SKIP(return, "no upager on PATH");
}

FIXTURE_TEARDOWN(segments)
{
	if (self->mounted)
		fuse_stop(&self->fuse);
}

/* Asks about this process: the exit status, or -1 if that does not end. */
static int stat_self(void)
{
	int out[2], status = -1;
	pid_t parent = getpid(), pid;
	size_t len = 0;
	ssize_t n;
	char text[16];

	snprintf(text, sizeof(text), "%d", parent);
	if (pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		dup2(out[1], 1);
		execlp("upager", "upager", "stat", "--json", text, NULL);
		_exit(127);
	}
	close(out[1]);
	/* To the end of the pipe, which whoever is left behind must not hold open. */
	while ((n = read(out[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	close(out[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A number of the object with a path; UINT64_MAX: it has none. */
static uint64_t said_of(const char *path, const char *key)
{
	char wanted[512], *begin, *end, *at;

	snprintf(wanted, sizeof(wanted), "\"object_path\": \"%s\"", path);
	at = strstr(said, wanted);
	if (!at)
		return UINT64_MAX;
	for (begin = at; begin > said && *begin != '{'; begin--)
		;
	end = strchr(at, '}');
	snprintf(wanted, sizeof(wanted), "\"%s\": ", key);
	at = strstr(begin, wanted);
	return at && at < end ? strtoull(at + strlen(wanted), NULL, 10) : UINT64_MAX;
}

static uint64_t down(uint64_t value)
{
	return value & ~(PAGE_SIZE - 1);
}

static uint64_t up(uint64_t value)
{
	return down(value + PAGE_SIZE - 1);
}

/* By the addresses of pages: each page of a segment is asked what it is. */
static void add_segment(struct sizes *sizes, const Elf64_Phdr *header, const Elf64_Phdr *relro)
{
	uint64_t start = header->p_vaddr, file_end = up(start + header->p_filesz);

	for (uint64_t page = down(start); page < file_end; page += PAGE_SIZE) {
		bool sealed = relro && page >= down(relro->p_vaddr) &&
			      page + PAGE_SIZE <= relro->p_vaddr + relro->p_memsz;

		if (header->p_flags & PF_X)
			sizes->text += PAGE_SIZE;
		else if (!(header->p_flags & PF_W))
			sizes->rodata += PAGE_SIZE;
		else if (sealed)
			sizes->relro += PAGE_SIZE;
		else
			sizes->data += PAGE_SIZE;
	}
	sizes->bss += up(start + header->p_memsz) - file_end;
}

static bool sizes_of(const char *path, struct sizes *sizes)
{
	Elf64_Phdr header[HEADERS_MAX];
	const Elf64_Phdr *relro = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr elf = { 0 };
	ssize_t bytes;
	bool ok;

	*sizes = (struct sizes){ 0 };
	ok = pread(fd, &elf, sizeof(elf), 0) == sizeof(elf) && elf.e_phnum <= HEADERS_MAX;
	bytes = (ssize_t)(elf.e_phnum * sizeof(header[0]));
	ok = ok && pread(fd, header, (size_t)bytes, (off_t)elf.e_phoff) == bytes;
	close(fd);
	for (unsigned int i = 0; ok && i < elf.e_phnum; i++)
		if (header[i].p_type == PT_GNU_RELRO)
			relro = &header[i];
	for (unsigned int i = 0; ok && i < elf.e_phnum; i++)
		if (header[i].p_type == PT_LOAD)
			add_segment(sizes, &header[i], relro);
	return ok;
}

static void compare(struct __test_metadata *_metadata)
{
	unsigned int nr = 0;

	ASSERT_EQ(0, maps_take(getpid(), "maps", maps_text[0]));
	maps_parse();
	for (unsigned int i = 0; i < maps.nr; i++) {
		const char *path = maps.map[i].name;
		struct sizes sizes;

		if (maps.map[i].access[2] != 'x' || path[0] != '/' || strstr(path, "fuse"))
			continue;
		ASSERT_TRUE(sizes_of(path, &sizes));
		EXPECT_EQ(sizes.text, said_of(path, "text_bytes"))
		{
			TH_LOG("%s", path);
		}
		EXPECT_EQ(sizes.rodata, said_of(path, "rodata_bytes"));
		EXPECT_EQ(sizes.relro, said_of(path, "relro_bytes"));
		EXPECT_EQ(sizes.data, said_of(path, "data_bytes"));
		EXPECT_EQ(sizes.bss, said_of(path, "bss_bytes"));
		nr++;
	}
	/* The program, its C library and the linker. */
	EXPECT_LE(3, nr);
}

TEST_F_TIMEOUT(segments, of_this_test, LIMIT_S)
{
	ASSERT_EQ(0, stat_self());
	compare(_metadata);
}

static bool map_fuse(FIXTURE_DATA(segments) * self, uid_t owner)
{
	self->mounted = fuse_start(&self->fuse, owner);
	return self->mounted && mmap(NULL, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE,
				     self->fuse.file, 0) != MAP_FAILED;
}

/* Whose server does not answer is given up on, for this file and no other. */
TEST_F_TIMEOUT(segments, of_a_file_that_is_never_read, LIMIT_S)
{
	if (!map_fuse(self, 0))
		SKIP(return, "no FUSE here");
	ASSERT_EQ(0, stat_self());
	EXPECT_LT(0, *self->fuse.nr_reads);
	EXPECT_EQ(PAGE_SIZE, said_of(self->fuse.path, "object_mapped_bytes"));
	EXPECT_EQ(UINT64_MAX, said_of(self->fuse.path, "text_bytes"));
	compare(_metadata);
}

/* Root does not even ask somebody else's server. */
TEST_F_TIMEOUT(segments, of_a_users_file_system, LIMIT_S)
{
	if (!map_fuse(self, 65534))
		SKIP(return, "no FUSE here");
	ASSERT_EQ(0, stat_self());
	EXPECT_EQ(0, *self->fuse.nr_reads);
	EXPECT_EQ(PAGE_SIZE, said_of(self->fuse.path, "object_mapped_bytes"));
	EXPECT_EQ(UINT64_MAX, said_of(self->fuse.path, "text_bytes"));
	compare(_metadata);
}

TEST_HARNESS_MAIN
