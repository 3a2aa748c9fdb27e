// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/types.h"

#define CHUNK_BYTES (1UL << 20)
#define FOLDERS_MAX 16

static const char *where(void)
{
	const char *path = getenv("TMPDIR");

	if (path && *path && !access(path, W_OK | X_OK))
		return path;
	return access("/var/tmp", W_OK) ? "/tmp" : "/var/tmp";
}

static bool is_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) || fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC;
}

static int fill(int fd, size_t bytes)
{
	unsigned char *chunk = malloc(CHUNK_BYTES);
	int err = chunk ? 0 : -ENOMEM;

	for (size_t at = 0; !err && at < bytes; at += CHUNK_BYTES) {
		size_t n = min_t(size_t, CHUNK_BYTES, bytes - at);

		memset(chunk, (int)(at / CHUNK_BYTES) | 1, n);
		if (write(fd, chunk, n) != (ssize_t)n)
			err = errno ? -errno : -ENOSPC;
	}
	free(chunk);
	if (!err && fsync(fd))
		err = -errno;
	return err;
}

int scratch_file(struct scratch *s, size_t bytes)
{
	char path[SCRATCH_PATH_BYTES];
	int err;

	snprintf(path, sizeof(path), "%s/upager-tour.XXXXXX", where());
	s->fd = mkostemp(path, O_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	unlink(path);
	s->bytes = bytes;
	s->on_disk = !is_memory(s->fd);
	errno = 0;
	err = fill(s->fd, bytes);
	if (err)
		close(s->fd);
	return err;
}

void scratch_cool(const struct scratch *s)
{
	posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED);
}

void scratch_end(struct scratch *s)
{
	close(s->fd);
}

uint64_t scratch_room_bytes(void)
{
	struct statfs fs;

	return statfs(where(), &fs) ? 0 : (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
}

int scratch_folder(char path[SCRATCH_PATH_BYTES], const char *parent)
{
	int n = snprintf(path, SCRATCH_PATH_BYTES, "%s/upager-tour.XXXXXX",
			 parent ? parent : where());

	if (n >= SCRATCH_PATH_BYTES)
		return -ENAMETOOLONG;
	return mkdtemp(path) ? 0 : -errno;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void scratch_folder_remove(const char *path)
{
	nftw(path, remove_one, FOLDERS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
