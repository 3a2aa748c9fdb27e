/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOUR_SCRATCH_H
#define UPAGER_TOUR_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRATCH_PATH_BYTES 256

/* A file without a name, in TMPDIR, /var/tmp or /tmp: it goes with its descriptor. */
struct scratch {
	int fd;
	size_t bytes;
	bool on_disk; /* it can be cold: its file system is none that is memory */
};

/* Written with something, and through to the device.  0 or -errno. */
int scratch_file(struct scratch *s, size_t bytes);
/* Nothing of it is in memory after this, as far as the kernel does as it is asked. */
void scratch_cool(const struct scratch *s);
void scratch_end(struct scratch *s);

/* What is free for files. */
uint64_t scratch_room_bytes(void);

/* A folder of the caller's own in another, or, NULL, there.  0 or -errno. */
int scratch_folder(char path[SCRATCH_PATH_BYTES], const char *parent);
/* With all that is in it. */
void scratch_folder_remove(const char *path);

#endif
