/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AREA_DEVICE_H
#define UPAGER_AREA_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#define AREA_CAUSE_BYTES 256

/* A block device or regular file, open and locked against everybody else. */
struct area_device {
	int fd;
	bool is_block;
	bool created; /* by this open */
	bool direct; /* O_DIRECT was asked for and given */
	uint64_t size_bytes;
};

enum area_device_flags {
	AREA_DEVICE_DIRECT = 1, /* O_DIRECT where the file system can */
	AREA_DEVICE_CREATE = 2, /* make the file, mode 0600, if nothing is there */
};

/*
 * Opens PATH for reading and writing, -EBUSY when it is mounted, swapped on or
 * held by another process: O_EXCL and flock on a device, flock and a look at
 * /proc/swaps and the loop devices for a file.  0 or -errno with a clause in
 * cause.
 */
int area_device_open(const char *path, unsigned int flags, struct area_device *dev,
		     char cause[AREA_CAUSE_BYTES]);

/* Sets cause and returns err, so that a failure is one statement. */
__attribute__((format(printf, 3, 4))) int area_fail(char cause[AREA_CAUSE_BYTES], int err,
						    const char *fmt, ...);

#endif
