// SPDX-License-Identifier: GPL-2.0-only
#include "swap/area_device.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/fs.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/types.h"

#define BUSY_TRIES   20
#define BUSY_WAIT_NS 50000000L

int area_fail(char cause[AREA_CAUSE_BYTES], int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cause, AREA_CAUSE_BYTES, fmt, ap);
	va_end(ap);
	return err;
}

static bool same_inode(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Names in /proc/mounts and /proc/swaps have octal escapes only for blanks and backslashes. */
static bool listed_in(const char *table, const struct stat *st, char *where, size_t where_len)
{
	FILE *file = setmntent(table, "re");
	char line[4096];
	struct mntent entry;
	bool found = false;

	if (!file)
		return false;
	while (!found && getmntent_r(file, &entry, line, sizeof(line))) {
		struct stat other;

		if (entry.mnt_fsname[0] != '/' || stat(entry.mnt_fsname, &other))
			continue;
		found = same_inode(st, &other);
		if (found)
			snprintf(where, where_len, "%s", entry.mnt_dir);
	}
	endmntent(file);
	return found;
}

/* Is a loop device on top of the file in use itself? Then the file is as busy as a device is. */
static bool loop_busy(const struct stat *st, char *loop, size_t loop_len)
{
	bool busy = false;
	glob_t found;
	size_t i;

	if (glob("/sys/block/loop*/loop/backing_file", 0, NULL, &found))
		return false;
	for (i = 0; i < found.gl_pathc && !busy; i++) {
		char backing[4096];
		struct stat other;
		FILE *file = fopen(found.gl_pathv[i], "re");
		int fd;

		if (!file)
			continue;
		if (!fgets(backing, sizeof(backing), file))
			backing[0] = '\0';
		fclose(file);
		backing[strcspn(backing, "\n")] = '\0';
		if (stat(backing, &other) || !same_inode(st, &other))
			continue;
		sscanf(found.gl_pathv[i], "/sys/block/%15[^/]", backing);
		snprintf(loop, loop_len, "/dev/%.15s", backing);
		fd = open(loop, O_RDONLY | O_EXCL | O_CLOEXEC);
		busy = fd < 0 && errno == EBUSY;
		if (fd >= 0)
			close(fd);
	}
	globfree(&found);
	return busy;
}

/* What a process has open: whether the file is among that. */
static bool has_open(const char *proc_dir, const struct stat *st)
{
	char pattern[64];
	bool found = false;
	struct stat other;
	glob_t fds;

	snprintf(pattern, sizeof(pattern), "%.40s/fd/*", proc_dir);
	if (glob(pattern, GLOB_NOSORT, NULL, &fds))
		return false;
	for (size_t i = 0; i < fds.gl_pathc && !found; i++)
		found = !stat(fds.gl_pathv[i], &other) && same_inode(st, &other);
	globfree(&fds);
	return found;
}

static bool is_keeper(const char *proc_dir)
{
	char path[64], comm[17] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%.40s/comm", proc_dir);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(comm, sizeof(comm), file))
			comm[0] = '\0';
		fclose(file);
	}
	return !strcmp(comm, "upager-keeper\n");
}

/* By a keeper, and no daemon: programs wait for another. */
static bool is_kept(const struct stat *st)
{
	bool kept = false, used = false;
	char own[32];
	glob_t procs;

	snprintf(own, sizeof(own), "/proc/%d", getpid());
	if (glob("/proc/[0-9]*", GLOB_NOSORT, NULL, &procs))
		return false;
	for (size_t i = 0; i < procs.gl_pathc && !used; i++) {
		if (!strcmp(procs.gl_pathv[i], own) || !has_open(procs.gl_pathv[i], st))
			continue;
		kept |= is_keeper(procs.gl_pathv[i]);
		used |= !is_keeper(procs.gl_pathv[i]);
	}
	globfree(&procs);
	return kept && !used;
}

static int fail_busy(const char *path, const struct stat *st, char cause[AREA_CAUSE_BYTES])
{
	char where[128];

	if (listed_in("/proc/swaps", st, where, sizeof(where)))
		return area_fail(cause, -EBUSY, "%s is swapped on: run 'swapoff %s' first", path,
				 path);
	if (S_ISBLK(st->st_mode) && listed_in("/proc/mounts", st, where, sizeof(where)))
		return area_fail(cause, -EBUSY, "%s is mounted on %s: unmount it first", path,
				 where);
	if (is_kept(st))
		return area_fail(cause, -EBUSY,
				 "%s has pages of programs whose upagerd died, and which wait: "
				 "start upagerd with the same --state and --swap as that, or end "
				 "them",
				 path);
	return area_fail(
		cause, -EBUSY, "%s is in use by another process: stop that upagerd, or %s", path,
		S_ISBLK(st->st_mode) ? "release the device (holders: lsblk, lsof)" : "see lsof");
}

static const struct timespec busy_pause = { .tv_nsec = BUSY_WAIT_NS };

/*
 * The kernel closes the files of a daemon's io_uring some time after its exit;
 * until then the area looks as if it were in use.
 */
static int open_patiently(const char *path, int flags, const struct stat *st)
{
	char where[128];
	int fd, tries = BUSY_TRIES;

	for (;;) {
		fd = open(path, flags, 0600);
		if (fd >= 0 || errno != EBUSY || !--tries)
			return fd;
		if (listed_in("/proc/mounts", st, where, sizeof(where)) ||
		    listed_in("/proc/swaps", st, where, sizeof(where))) {
			errno = EBUSY;
			return -1;
		}
		nanosleep(&busy_pause, NULL);
	}
}

/* Besides, udev holds this lock for a moment to look at a device that appeared. */
static int lock_patiently(int fd)
{
	int tries = BUSY_TRIES;

	for (;;) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		if (!--tries)
			return -EBUSY;
		nanosleep(&busy_pause, NULL);
	}
}

static int check_type(const char *path, const struct stat *st, char cause[AREA_CAUSE_BYTES])
{
	if (S_ISBLK(st->st_mode) || S_ISREG(st->st_mode))
		return 0;
	if (S_ISDIR(st->st_mode))
		return area_fail(cause, -EISDIR,
				 "%s is a directory: name a block device or a file in it", path);
	return area_fail(cause, -ENOTBLK,
			 "%s is neither a block device nor a regular file: name one", path);
}

/* The directory that path would be in. False: it is there. */
static bool misses_directory(const char *path, char dir[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (!slash || slash == path || slash - path >= PATH_MAX)
		return false;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	return stat(dir, &st) && errno == ENOENT;
}

/* errno: why it cannot be opened, or looked at. */
static int fail_open(const char *path, const char *remedy, char cause[AREA_CAUSE_BYTES])
{
	char dir[PATH_MAX];
	int err = -errno;

	if (err == -ENOENT && misses_directory(path, dir))
		return area_fail(cause, err,
				 "%s: there is no directory %.200s: make it, or name another path",
				 path, dir);
	return area_fail(cause, err, "%s cannot be opened: %s; %s", path, strerror(-err), remedy);
}

static int open_locked(const char *path, int flags, struct area_device *dev, struct stat *st,
		       char cause[AREA_CAUSE_BYTES])
{
	char loop[32];
	int err;

	dev->fd = open_patiently(path, flags, st);
	if (dev->fd < 0 && errno == EINVAL && flags & O_DIRECT) {
		dev->direct = false;
		dev->fd = open_patiently(path, flags & ~O_DIRECT, st);
	}
	if (dev->fd < 0 && errno == EBUSY)
		return fail_busy(path, st, cause);
	if (dev->fd < 0)
		return fail_open(path, "check who may write there", cause);
	if (fstat(dev->fd, st)) {
		err = -errno;
		area_fail(cause, err, "%s: %s", path, strerror(-err));
		goto close_fd;
	}
	if (!!S_ISBLK(st->st_mode) != dev->is_block) {
		err = area_fail(cause, -EAGAIN, "%s was replaced meanwhile: try again", path);
		goto close_fd;
	}
	err = lock_patiently(dev->fd);
	if (err == -EBUSY) {
		fail_busy(path, st, cause);
		goto close_fd;
	}
	if (err) {
		area_fail(cause, err, "%s cannot be locked: %s; use a local file system", path,
			  strerror(-err));
		goto close_fd;
	}
	if (!dev->is_block && listed_in("/proc/swaps", st, loop, sizeof(loop))) {
		err = fail_busy(path, st, cause);
		goto close_fd;
	}
	if (!dev->is_block && loop_busy(st, loop, sizeof(loop))) {
		err = area_fail(cause, -EBUSY, "%s is behind %s, which is in use: release it first",
				path, loop);
		goto close_fd;
	}
	return 0;
close_fd:
	if (dev->created)
		unlink(path);
	close(dev->fd);
	return err;
}

static int ask_device(const char *path, struct area_device *dev, char cause[AREA_CAUSE_BYTES])
{
	int read_only, sector_bytes, err;

	if (ioctl(dev->fd, BLKGETSIZE64, &dev->size_bytes) ||
	    ioctl(dev->fd, BLKROGET, &read_only) || ioctl(dev->fd, BLKSSZGET, &sector_bytes)) {
		err = -errno;
		return area_fail(cause, err, "%s does not tell its size: %s; use another device",
				 path, strerror(-err));
	}
	/* Opening it for writing was no problem. */
	if (read_only)
		return area_fail(cause, -EROFS, "%s is read-only: see 'blockdev --setrw'", path);
	if (sector_bytes > (int)PAGE_SIZE)
		return area_fail(cause, -EINVAL,
				 "%s has sectors of %d bytes, more than a page: use another device",
				 path, sector_bytes);
	return 0;
}

int area_device_open(const char *path, unsigned int flags, struct area_device *dev,
		     char cause[AREA_CAUSE_BYTES])
{
	int open_flags = O_RDWR | O_CLOEXEC | (flags & AREA_DEVICE_DIRECT ? O_DIRECT : 0);
	struct stat st;
	int err;

	*dev = (struct area_device){ .fd = -1, .direct = flags & AREA_DEVICE_DIRECT };
	/* Looked at before it is opened: opening a tape or a watchdog acts. */
	if (!stat(path, &st)) {
		err = check_type(path, &st, cause);
		if (err)
			return err;
		dev->is_block = S_ISBLK(st.st_mode);
		open_flags |= dev->is_block ? O_EXCL : 0;
	} else if (errno == ENOENT && flags & AREA_DEVICE_CREATE) {
		dev->created = true;
		open_flags |= O_CREAT | O_EXCL;
	} else {
		return fail_open(path,
				 flags & AREA_DEVICE_CREATE
					 ? "check the directories of the path"
					 : "name a block device, or make a file with 'upager "
					   "mkswap --size SIZE PATH'",
				 cause);
	}
	err = open_locked(path, open_flags, dev, &st, cause);
	if (err)
		return err;
	dev->size_bytes = (uint64_t)st.st_size;
	if (dev->is_block)
		err = ask_device(path, dev, cause);
	if (err)
		close(dev->fd);
	return err;
}
