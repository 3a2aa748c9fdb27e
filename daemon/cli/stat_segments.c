// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of a process are on file systems whose servers may never answer.  So they are opened and
 * read by a process that is given up on when it has nothing to say for a while; for the next file
 * there is another one.
 */
#include "cli/stat_segments.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/types.h"
#include "kernel/elf_file.h"

/* For each file, and how many that do not answer are enough. */
#define ANSWER_MS    1000
#define SILENT_FILES 3u

/* What the reader tells: one write each, which a pipe takes whole. */
struct told {
	uint32_t item;
	bool known;
	struct elf_sizes sizes;
};

/* The first mapping of an object. */
struct mapping {
	uint64_t start;
	uint64_t end;
	unsigned int major;
	unsigned int minor;
	uint64_t inode;
	char *path; /* in the line */
};

static bool mapping_parse(char *line, struct mapping *m)
{
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*x %x:%x %" SCNu64 " %n", &m->start, &m->end,
		   &m->major, &m->minor, &m->inode, &at) < 5 ||
	    !at)
		return false;
	m->path = line + at;
	m->path[strcspn(m->path, "\n")] = '\0';
	return m->path[0] == '/';
}

/*
 * What a mount table says of a device: 1 if its files can be read, 0 if not, -1 if it has none.  The
 * server of a FUSE mount is its owner's: only he and root are trusted not to hold a reader up.
 */
static int readable_by(const char *mounts, const struct mapping *m)
{
	FILE *f = fopen(mounts, "re");
	unsigned int major, minor, owner;
	char *line = NULL, *type, *option;
	int readable = -1;
	size_t room = 0;

	while (f && readable < 0 && getline(&line, &room, f) > 0) {
		if (sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2 || major != m->major ||
		    minor != m->minor)
			continue;
		type = strstr(line, " - ");
		option = type ? strstr(type, "user_id=") : NULL;
		readable = type && (strncmp(type, " - fuse", 7) ||
				    (option && sscanf(option, "user_id=%u", &owner) == 1 &&
				     (!owner || owner == geteuid())));
	}
	free(line);
	if (f)
		fclose(f);
	return readable;
}

/* Of a mount that is in neither table nothing is known, and so it is left alone. */
static bool is_readable(pid_t pid, const struct mapping *m)
{
	char mounts[64];
	int readable;

	snprintf(mounts, sizeof(mounts), "/proc/%d/mountinfo", pid);
	readable = readable_by(mounts, m);
	return (readable < 0 ? readable_by("/proc/self/mountinfo", m) : readable) > 0;
}

/* By its mapping or, as that takes CAP_SYS_ADMIN, by its name if that is still the same file's. */
static int open_path(pid_t pid, const struct mapping *m)
{
	char path[96];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, m->start,
		 m->end);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fd = open(m->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (!fstat(fd, &st) && st.st_ino == m->inode &&
		       (st.st_dev == makedev(m->major, m->minor) || !major(st.st_dev))))
		return fd;
	close(fd);
	return -1;
}

/* Nothing but regular files: to open something else may have effects. */
static bool read_sizes(pid_t pid, const struct mapping *m, struct elf_sizes *sizes)
{
	bool known = false;
	char path[64];
	struct stat st;
	int fd, name;

	if (!is_readable(pid, m))
		return false;
	name = open_path(pid, m);
	if (name < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", name);
	if (!fstat(name, &st) && S_ISREG(st.st_mode)) {
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		known = fd >= 0 && !elf_file_sizes(fd, sizes);
		if (fd >= 0)
			close(fd);
	}
	close(name);
	return known;
}

static uint64_t object_start(const struct report *r, uint32_t item)
{
	return strtoull(report_text(r, REPORT_LIBS, item, "object_start"), NULL, 16);
}

/* From an object on; mappings and objects are both in order of their addresses. */
static void tell(int to, pid_t pid, const struct report *r, uint32_t item)
{
	char path[64], *line = NULL;
	struct mapping m;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && item <= r->items[REPORT_LIBS].nr && getline(&line, &room, f) > 0) {
		struct told told = { 0 };

		if (!mapping_parse(line, &m))
			continue;
		while (item < r->items[REPORT_LIBS].nr && object_start(r, item) < m.start)
			item++;
		if (object_start(r, item) != m.start)
			continue;
		told.item = item++;
		told.known = read_sizes(pid, &m, &told.sizes);
		if (write(to, &told, sizeof(told)) != sizeof(told))
			return;
	}
}

/* Apart from the pipe it has nothing that anybody could wait for to be closed. */
static pid_t reader_start(pid_t pid, const struct report *r, uint32_t item, int *from)
{
	int fds[2];
	pid_t reader;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	reader = fork();
	if (!reader) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], 0);
		close_range(1, ~0U, 0);
		tell(0, pid, r, item);
		_exit(0);
	}
	close(fds[1]);
	*from = fds[0];
	if (reader < 0)
		close(fds[0]);
	return reader;
}

/* The next one, or false at the end or after too long a silence, which is said. */
static bool hear(int from, struct told *told, bool *silent)
{
	struct pollfd pfd = { .fd = from, .events = POLLIN };

	*silent = poll(&pfd, 1, ANSWER_MS) != 1;
	return !*silent && read(from, told, sizeof(*told)) == sizeof(*told);
}

enum {
	SIZES = sizeof(struct elf_sizes) / sizeof(uint64_t),
};

/* Sets what is known from an item on.  Returns the one that there was no answer about, or 0. */
static uint32_t collect(pid_t pid, const struct report *r, uint32_t item, uint64_t *values,
			bool *known)
{
	bool silent = false;
	struct told told;
	pid_t reader;
	int from;

	reader = reader_start(pid, r, item, &from);
	if (reader < 0)
		return 0;
	while (hear(from, &told, &silent)) {
		if (told.item < item || told.item > r->items[REPORT_LIBS].nr)
			break;
		known[told.item - 1] = told.known;
		memcpy(values + (told.item - 1) * SIZES, &told.sizes, sizeof(told.sizes));
		item = told.item + 1;
	}
	close(from);
	kill(reader, SIGKILL);
	/* One that cannot even be killed stays behind. */
	waitpid(reader, NULL, WNOHANG);
	return silent ? item : 0;
}

int stat_segments_add(pid_t pid, struct report *report)
{
	static const char *const keys[SIZES] = { "text_bytes", "rodata_bytes", "relro_bytes",
						 "data_bytes", "bss_bytes" };
	uint32_t item = 1, nr = report->items[REPORT_LIBS].nr;
	uint64_t *values = calloc(nr + 1, SIZES * sizeof(*values));
	bool *known = calloc(nr + 1, sizeof(*known));
	int err = values && known ? 0 : -ENOMEM;

	for (unsigned int n = 0; !err && item && item <= nr && n < SILENT_FILES; n++) {
		item = collect(pid, report, item, values, known);
		item += !!item;
	}
	if (!err)
		err = report_add(report, REPORT_LIBS, keys, SIZES, values, known);
	free(known);
	free(values);
	return err;
}
