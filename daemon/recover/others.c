// SPDX-License-Identifier: GPL-2.0-only
#include "recover/others.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recover/statefile.h"

bool others_kept(int dir_fd)
{
	int fd = statefile_lock(dir_fd, STATE_LOCK);

	if (fd >= 0)
		close(fd);
	return fd == -EBUSY;
}

/* Names of a directory, without allocating anything: the keeper has but a copy of the heap. */
struct names {
	_Alignas(8) char buffer[1024];
	int fd;
	long used, at;
};

struct name {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char text[];
};

static const char *next_name(struct names *names)
{
	const struct name *name;

	if (names->at == names->used) {
		names->used =
			syscall(SYS_getdents64, names->fd, names->buffer, sizeof(names->buffer));
		names->at = 0;
	}
	if (names->used <= 0)
		return NULL;
	name = (const struct name *)(const void *)(names->buffer + names->at);
	names->at += name->len;
	return name->text;
}

bool others_any_kept(int state_dir_fd)
{
	struct names names = { .fd = openat(state_dir_fd, OTHERS_DIR,
					    O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	const char *name;
	bool kept = false;

	if (names.fd < 0)
		return false;
	while (!kept && (name = next_name(&names))) {
		int fd = name[0] == '.'
				 ? -1
				 : openat(names.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		kept = fd >= 0 && others_kept(fd);
		if (fd >= 0)
			close(fd);
	}
	close(names.fd);
	return kept;
}
