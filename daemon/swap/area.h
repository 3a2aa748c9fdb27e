/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AREA_H
#define UPAGER_AREA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "swap/area_device.h"
#include "swap/area_health.h"
#include "swap/superblock.h"

#define AREAS_MAX	16
#define AREA_SPEC_BYTES 320 /* "PATH[,pri=N]" */

struct claims;

/* A swap area that is open for use, with the range of global slots it serves. */
struct area {
	/* O_RDWR | O_DIRECT | O_CLOEXEC; locked with flock, O_EXCL on devices.  -1: it was let go of */
	int fd;
	int priority; /* higher is used first */
	slot_t first; /* global slot of the area's slot 0 */
	struct superblock sb;
	char path[256];
	bool draining; /* the worker: nothing new is written there */
	/* Slot numbers from first on are its own, as many: never fewer than it has. */
	uint64_t span;
	struct area_health health;
	struct claims *claims; /* what of it is whose; NULL: all is ours */
};

/*
 * Splits "PATH[,pri=N]"; a comma that no "pri=" follows belongs to the path.
 * Sets path and priority, and fd to -1.
 */
int area_parse_spec(struct area *area, const char *spec, char cause[AREA_CAUSE_BYTES]);

/*
 * area_open() - open PATH for paging
 * @spec: "PATH[,pri=N]" as given to --swap
 * Checks the superblock and takes the lock that keeps a second daemon out.
 * Returns 0 or -errno, with one clause in cause that names cause and remedy:
 * absent, no swap area ("run upager mkswap"), corrupt, other version, smaller
 * than its superblock says, in use (-EBUSY), on a file system without O_DIRECT
 * (then it is opened without, and cause holds a warning while 0 is returned).
 */
int area_open(struct area *area, const char *spec, char cause[AREA_CAUSE_BYTES]);
/*
 * The same of an area that is open and locked already: fd, if it is what spec
 * names, else -EXDEV.
 */
int area_take(struct area *area, const char *spec, int fd, char cause[AREA_CAUSE_BYTES]);
void area_close(struct area *area);
/* One that is no more, so that others keep their slot numbers. */
void area_make_hole(struct area *area, uint64_t span);
bool area_is_hole(const struct area *area);

struct area_make_options {
	const char *label; /* or NULL */
	uint64_t size_bytes; /* make or grow a file; 0 takes the size of path */
	int force; /* overwrite a foreign signature */
	/* NULL, or told while room is made for a file; true gives it up: -ECANCELED. */
	bool (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes);
	void *context; /* for progress */
};

/*
 * area_make() - what `upager mkswap` does
 * Refuses (unless forced) a path that carries a foreign signature (libblkid);
 * refuses always a mounted or swapped-on device (O_EXCL, /proc/mounts,
 * /proc/swaps), an area of a running daemon, and fewer than AREA_SLOTS_MIN
 * slots.  A file is fully allocated (fallocate), mode 0600.
 */
int area_make(const char *path, const struct area_make_options *opt, struct superblock *sb,
	      char cause[AREA_CAUSE_BYTES]);

#endif
