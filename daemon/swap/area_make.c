// SPDX-License-Identifier: GPL-2.0-only
#include "swap/area.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/size.h"
#include "swap/area_device.h"

#define ALLOCATE_BYTES (64ULL << 20)

static int check_options(const char *path, const struct area_make_options *opt,
			 char cause[AREA_CAUSE_BYTES])
{
	const char *c;

	if (opt->label && strlen(opt->label) > SUPERBLOCK_LABEL_BYTES)
		return area_fail(cause, -EINVAL, "the label is too long: %d bytes at most",
				 SUPERBLOCK_LABEL_BYTES);
	for (c = opt->label; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return area_fail(cause, -EINVAL,
					 "the label has control characters: leave them out");
	if (!*path)
		return area_fail(cause, -EINVAL, "no path given: name a block device or a file");
	return 0;
}

static int probe_new(blkid_probe *probe, int fd)
{
	*probe = blkid_new_probe();
	if (!*probe)
		return -ENOMEM;
	if (blkid_probe_set_device(*probe, fd, 0, 0)) {
		blkid_free_probe(*probe);
		return -EIO;
	}
	/* Also what is damaged: somebody may want to repair it. */
	blkid_probe_enable_superblocks(*probe, 1);
	blkid_probe_set_superblocks_flags(*probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC |
							  BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(*probe, 1);
	blkid_probe_set_partitions_flags(*probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	return 0;
}

/* What libblkid does not know is at least not thrown away when it is a file with a beginning. */
static int check_unknown_data(const char *path, const struct area_device *dev,
			      char cause[AREA_CAUSE_BYTES])
{
	static const uint8_t zero[SUPERBLOCK_BYTES];
	uint8_t block[SUPERBLOCK_BYTES] = { 0 };
	struct superblock sb;
	ssize_t n = pread(dev->fd, block, sizeof(block), 0);
	int err;

	if (n < 0) {
		err = -errno;
		return area_fail(cause, err, "%s cannot be read: %s; check the device", path,
				 strerror(-err));
	}
	if (dev->is_block || !memcmp(block, zero, sizeof(block)))
		return 0;
	err = superblock_decode(&sb, block, dev->size_bytes);
	if (err != -EINVAL)
		return 0; /* an area of ours, whatever its condition */
	return area_fail(cause, -EEXIST, "%s holds data: use --force to overwrite it", path);
}

static int check_signature(const char *path, const struct area_device *dev,
			   char cause[AREA_CAUSE_BYTES])
{
	const char *type = NULL, *kind = "a";
	blkid_probe probe;
	int err;

	if (!dev->size_bytes)
		return 0;
	err = probe_new(&probe, dev->fd);
	if (err)
		return area_fail(cause, err, "%s cannot be probed: %s; check the device", path,
				 strerror(-err));
	switch (blkid_do_probe(probe)) {
	case 0:
		if (!blkid_probe_lookup_value(probe, "TYPE", &type, NULL))
			kind = "a signature of type";
		else if (!blkid_probe_lookup_value(probe, "PTTYPE", &type, NULL))
			kind = "a partition table of type";
		err = area_fail(cause, -EEXIST, "%s carries %s %s: use --force to overwrite it",
				path, kind, type ? type : "foreign signature");
		break;
	case 1:
		err = check_unknown_data(path, dev, cause);
		break;
	default:
		err = area_fail(cause, -EIO, "%s cannot be probed: check the device", path);
		break;
	}
	blkid_free_probe(probe);
	return err;
}

/* A signature left behind would let a file system, or an array, be found in the swapped pages. */
static int wipe_signatures(const char *path, const struct area_device *dev,
			   char cause[AREA_CAUSE_BYTES])
{
	blkid_probe probe;
	int err = probe_new(&probe, dev->fd);

	if (err)
		return area_fail(cause, err, "%s cannot be probed: %s; check the device", path,
				 strerror(-err));
	while (!err && !blkid_do_probe(probe))
		if (blkid_do_wipe(probe, 0))
			err = area_fail(cause, -EIO,
					"the old signature of %s cannot be erased: check the "
					"device",
					path);
	blkid_free_probe(probe);
	return err;
}

/* Before the last block of it is taken from others, and given back. */
static int check_space(const char *path, const struct area_make_options *opt, int fd,
		       uint64_t want_bytes, char cause[AREA_CAUSE_BYTES])
{
	char want[SIZE_TEXT_BYTES], left[SIZE_TEXT_BYTES];
	uint64_t free_bytes, have_bytes;
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return 0; /* who allocates will be told */
	if (!opt->force && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC))
		return area_fail(cause, -EINVAL,
				 "%s would be in memory, which it is to save: name a block device "
				 "or a file on a disk, or use --force",
				 path);
	free_bytes = (uint64_t)(geteuid() ? fs.f_bavail : fs.f_bfree) * (uint64_t)fs.f_bsize;
	have_bytes = (uint64_t)st.st_blocks * 512;
	if (!fs.f_blocks || want_bytes <= have_bytes || want_bytes - have_bytes <= free_bytes)
		return 0;
	size_format(want_bytes, want, sizeof(want));
	size_format(free_bytes, left, sizeof(left));
	return area_fail(cause, -ENOSPC,
			 "%s of space for %s cannot be had: %s are free there; free some or give a "
			 "smaller --size",
			 want, path, left);
}

/* In pieces: some file systems have to write it all. */
static int allocate(const char *path, const struct area_make_options *opt, int fd,
		    uint64_t want_bytes, char cause[AREA_CAUSE_BYTES])
{
	char text[SIZE_TEXT_BYTES];
	int err = 0;

	for (uint64_t at = 0; at < want_bytes && !err;) {
		uint64_t bytes = min_t(uint64_t, ALLOCATE_BYTES, want_bytes - at);

		if (opt->progress && opt->progress(opt->context, at, want_bytes))
			return area_fail(cause, -ECANCELED, "interrupted: %s is as it was", path);
		err = -posix_fallocate(fd, (off_t)at, (off_t)bytes);
		if (err == -EINTR)
			err = 0; /* the same piece again */
		else
			at += bytes;
	}
	if (!err)
		return 0;
	size_format(want_bytes, text, sizeof(text));
	return area_fail(cause, err,
			 "%s of space for %s cannot be had: %s; free some or give a smaller --size",
			 text, path, strerror(-err));
}

/* Decides the area's size and has every block of a file allocated. */
static int make_room(const char *path, const struct area_make_options *opt, struct area_device *dev,
		     char cause[AREA_CAUSE_BYTES])
{
	const uint64_t min_bytes = (uint64_t)AREA_SLOTS_MIN * PAGE_SIZE;
	uint64_t want_bytes = opt->size_bytes ? opt->size_bytes : dev->size_bytes;
	char text[SIZE_TEXT_BYTES];
	int err;

	if (dev->is_block && opt->size_bytes)
		return area_fail(cause, -EINVAL, "%s is a device, used whole: leave --size out",
				 path);
	if (want_bytes < dev->size_bytes) {
		size_format(dev->size_bytes, text, sizeof(text));
		return area_fail(cause, -EINVAL,
				 "%s is larger than --size, %s: remove it or leave --size out",
				 path, text);
	}
	want_bytes &= PAGE_MASK;
	if (want_bytes < min_bytes) {
		size_format(min_bytes, text, sizeof(text));
		return area_fail(cause, -EINVAL, "%s is too small: it takes at least %s%s", path,
				 text, dev->is_block ? "" : "; give --size");
	}
	if (want_bytes >> PAGE_SHIFT > 1ULL << SLOT_BITS || want_bytes > INT64_MAX)
		return area_fail(cause, -EFBIG, "%s is too large: 4 PiB at most", path);
	if (!dev->is_block) {
		err = check_space(path, opt, dev->fd, want_bytes, cause);
		if (!err)
			err = allocate(path, opt, dev->fd, want_bytes, cause);
		if (err)
			return err;
		/* What is swapped out is nobody else's to read. */
		if (fchmod(dev->fd, 0600)) {
			err = -errno;
			return area_fail(cause, err, "%s cannot be made private: %s", path,
					 strerror(-err));
		}
	}
	dev->size_bytes = want_bytes;
	return 0;
}

static int random_uuid(uint8_t uuid[16])
{
	if (getrandom(uuid, 16, 0) != 16)
		return -EIO;
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40); /* version 4 */
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80); /* variant 1 */
	return 0;
}

static int write_superblock(const char *path, const struct area_device *dev,
			    const struct superblock *sb, char cause[AREA_CAUSE_BYTES])
{
	uint8_t block[SUPERBLOCK_BYTES];
	ssize_t n;
	int err;

	superblock_encode(sb, block);
	n = pwrite(dev->fd, block, sizeof(block), 0);
	if (n == (ssize_t)sizeof(block) && !fsync(dev->fd))
		return 0;
	err = n >= 0 && n < (ssize_t)sizeof(block) ? -EIO : -errno;
	return area_fail(cause, err, "%s cannot be written: %s; check the device", path,
			 strerror(-err));
}

int area_make(const char *path, const struct area_make_options *opt, struct superblock *sb,
	      char cause[AREA_CAUSE_BYTES])
{
	struct area_device dev;
	uint64_t old_bytes;
	int err;

	cause[0] = '\0';
	err = check_options(path, opt, cause);
	if (err)
		return err;
	err = area_device_open(path, opt->size_bytes ? AREA_DEVICE_CREATE : 0, &dev, cause);
	if (err)
		return err;
	old_bytes = dev.size_bytes;
	if (!opt->force) {
		err = check_signature(path, &dev, cause);
		if (err)
			goto close_device;
	}
	err = make_room(path, opt, &dev, cause);
	if (err)
		goto undo_room;
	err = wipe_signatures(path, &dev, cause);
	if (err)
		goto undo_room;

	*sb = (struct superblock){ .version = SUPERBLOCK_VERSION,
				   .nr_slots = dev.size_bytes >> PAGE_SHIFT };
	snprintf(sb->label, sizeof(sb->label), "%s", opt->label ? opt->label : "");
	err = random_uuid(sb->uuid);
	if (err) {
		area_fail(cause, err, "no random numbers for the UUID: try again later");
		goto undo_room;
	}
	err = write_superblock(path, &dev, sb, cause);
	if (err)
		goto undo_room;
	close(dev.fd);
	return 0;
undo_room:
	if (!dev.is_block && ftruncate(dev.fd, (off_t)old_bytes))
		area_fail(cause, err, "%s was left with another size: %s", path, strerror(errno));
close_device:
	if (dev.created)
		unlink(path);
	close(dev.fd);
	return err;
}
