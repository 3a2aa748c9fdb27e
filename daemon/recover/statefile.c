// SPDX-License-Identifier: GPL-2.0-only
#include "recover/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/types.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int statefile_open_dir(const char *path)
{
	int dir_fd;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -errno : dir_fd;
}

int statefile_lock(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return err;
}

/* It stays free for them, or an eighth of it. */
#define LEAVE_BYTES (64ULL << 20)
#define LEAVE_PART  8

bool statefile_has_space(int dir_fd, uint64_t bytes)
{
	struct statvfs fs;
	uint64_t leave;

	if (fstatvfs(dir_fd, &fs) || !fs.f_blocks)
		return true;
	leave = min_t(uint64_t, fs.f_blocks * fs.f_frsize / LEAVE_PART, LEAVE_BYTES);
	return fs.f_bavail * fs.f_frsize >= leave + bytes;
}

static int map_file(int fd, size_t bytes, void **map)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*map = p;
	return 0;
}

int statefile_map_new(int dir_fd, const char *name, size_t bytes, bool reserve, void **map)
{
	int fd, err = 0;

	if (unlinkat(dir_fd, name, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (reserve)
		err = -posix_fallocate(fd, 0, (off_t)bytes);
	else if (ftruncate(fd, (off_t)bytes))
		err = -errno;
	if (err)
		goto close_fd;
	err = map_file(fd, bytes, map);
close_fd:
	close(fd);
	return err;
}

int statefile_map_old(int dir_fd, const char *name, size_t bytes, void **map)
{
	int fd = openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int err;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else
		err = st.st_size == (off_t)bytes ? map_file(fd, bytes, map) : -EBADMSG;
	close(fd);
	return err;
}

int statefile_map(int dir_fd, const char *name, size_t bytes, bool reserve, bool old, void **map)
{
	return old ? statefile_map_old(dir_fd, name, bytes, map)
		   : statefile_map_new(dir_fd, name, bytes, reserve, map);
}

int statefile_populate(void *start, size_t bytes)
{
	uintptr_t first = (uintptr_t)start & PAGE_MASK;
	uintptr_t end = ((uintptr_t)start + bytes + PAGE_SIZE - 1) & PAGE_MASK;

	return madvise((void *)first, end - first, MADV_POPULATE_WRITE) ? -errno : 0;
}

int statefile_write_text(int dir_fd, const char *name, const char *text)
{
	size_t len = strlen(text);
	char temp[64];
	int fd, err = 0;

	snprintf(temp, sizeof(temp), "%s.new", name);
	fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		err = errno ? -errno : -EIO;
	close(fd);
	if (!err && renameat(dir_fd, temp, dir_fd, name))
		err = -errno;
	return err;
}

int statefile_read_text(int dir_fd, const char *name, char *text, size_t bytes)
{
	ssize_t n;
	int fd;

	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, bytes - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	text[n] = '\0';
	return 0;
}
