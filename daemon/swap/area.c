// SPDX-License-Identifier: GPL-2.0-only
#include "swap/area.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "swap/area_device.h"

#define PRIORITY_MAX 32767

int area_parse_spec(struct area *area, const char *spec, char cause[AREA_CAUSE_BYTES])
{
	const char *comma = strrchr(spec, ',');
	size_t len = strlen(spec);

	*area = (struct area){ .fd = -1 };
	cause[0] = '\0';
	if (comma && !strncmp(comma, ",pri=", 5)) {
		char *end;
		long pri;

		errno = 0;
		pri = strtol(comma + 5, &end, 10);
		if (end == comma + 5 || *end || errno || pri < -PRIORITY_MAX || pri > PRIORITY_MAX)
			return area_fail(cause, -EINVAL,
					 "'%s' is no priority: give pri=N with N from %d to %d",
					 comma + 5, -PRIORITY_MAX, PRIORITY_MAX);
		area->priority = (int)pri;
		len = (size_t)(comma - spec);
	}
	if (!len)
		return area_fail(cause, -EINVAL, "no path given: use PATH[,pri=N]");
	if (len >= sizeof(area->path))
		return area_fail(cause, -ENAMETOOLONG, "the path is too long: %zu bytes at most",
				 sizeof(area->path) - 1);
	memcpy(area->path, spec, len);
	area->path[len] = '\0';
	return 0;
}

/* Explains superblock_decode()'s refusal. */
static int fail_decode(const struct area *area, int err, uint64_t size_bytes,
		       char cause[AREA_CAUSE_BYTES])
{
	const char *path = area->path;

	switch (err) {
	case -EINVAL:
		return area_fail(cause, err,
				 "%s is no swap area: run 'upager mkswap %s', which overwrites "
				 "what is in it",
				 path, path);
	case -EPROTONOSUPPORT:
		return area_fail(cause, err,
				 "%s has another format version: run this version's 'upager "
				 "mkswap %s'",
				 path, path);
	case -EBADMSG:
		return area_fail(cause, err,
				 "the superblock of %s is corrupt: check the device, then run "
				 "'upager mkswap %s'",
				 path, path);
	default:
		return area_fail(cause, err,
				 "%s, now %llu bytes, is smaller than its superblock says: restore "
				 "its size or run 'upager mkswap %s'",
				 path, (unsigned long long)size_bytes, path);
	}
}

static int read_superblock(struct area *area, uint64_t size_bytes, char cause[AREA_CAUSE_BYTES])
{
	_Alignas(PAGE_SIZE) uint8_t block[SUPERBLOCK_BYTES];
	ssize_t n = pread(area->fd, block, sizeof(block), 0);
	int err;

	if (n < 0) {
		err = -errno;
		return area_fail(cause, err, "%s cannot be read: %s; check the device", area->path,
				 strerror(-err));
	}
	if ((size_t)n < sizeof(block))
		memset(block + n, 0, sizeof(block) - (size_t)n);
	err = superblock_decode(&area->sb, block, size_bytes);
	return err ? fail_decode(area, err, size_bytes, cause) : 0;
}

int area_open(struct area *area, const char *spec, char cause[AREA_CAUSE_BYTES])
{
	struct area_device dev;
	int err;

	err = area_parse_spec(area, spec, cause);
	if (err)
		return err;
	err = area_device_open(area->path, AREA_DEVICE_DIRECT, &dev, cause);
	if (err)
		return err;
	area->fd = dev.fd;
	err = read_superblock(area, dev.size_bytes, cause);
	if (err)
		goto close_area;
	if (!dev.direct)
		area_fail(cause, 0,
			  "%s is on a file system without O_DIRECT, so pages take memory twice: "
			  "move it",
			  area->path);
	return 0;
close_area:
	area_close(area);
	return err;
}

int area_take(struct area *area, const char *spec, int fd, char cause[AREA_CAUSE_BYTES])
{
	struct stat named, open;
	off_t size_bytes;
	int err;

	err = area_parse_spec(area, spec, cause);
	if (err)
		return err;
	if (fstat(fd, &open))
		return -errno;
	if (stat(area->path, &named) ||
	    (S_ISBLK(open.st_mode) ? !S_ISBLK(named.st_mode) || named.st_rdev != open.st_rdev
				   : named.st_dev != open.st_dev || named.st_ino != open.st_ino))
		return -EXDEV;
	size_bytes = lseek(fd, 0, SEEK_END);
	if (size_bytes < 0)
		return -errno;
	area->fd = fd;
	return read_superblock(area, (uint64_t)size_bytes, cause);
}

void area_make_hole(struct area *area, uint64_t span)
{
	/* Slot 0 of an area is no slot. */
	*area = (struct area){ .fd = -1, .first = area->first, .sb.nr_slots = 1, .span = span };
}

bool area_is_hole(const struct area *area)
{
	return area->sb.nr_slots <= 1;
}

void area_close(struct area *area)
{
	if (area->fd >= 0)
		close(area->fd);
	area->fd = -1;
}
