/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STATEFILE_H
#define UPAGER_STATEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Files under the state directory (meant for a tmpfs) that hold what a
 * restarted daemon needs: page tables, the table of spaces, events that were
 * read, slots and writes in flight.  All are mapped shared; every change is
 * one aligned store, in an order of which every prefix can be recovered.
 */

#define STATE_LOCK  "lock" /* what each is for: succession.h */
#define DAEMON_LOCK "daemon.lock"

/* Opens (makes) the directory, mode 0700; its descriptor or -errno. */
int statefile_open_dir(const char *path);
/* The file, locked; -EBUSY: by somebody else. The lock lives as long as anybody has the file. */
int statefile_lock(int dir_fd, const char *name);

/*
 * Maps bytes of a new, empty file; an old one of that name is unlinked first.
 * With reserve the blocks are allocated now, so that no later store can fail;
 * without it the file is sparse and each page is allocated when touched.
 */
int statefile_map_new(int dir_fd, const char *name, size_t bytes, bool reserve, void **map);
/* Allocates the blocks of a part now: -errno where there is no room, not SIGBUS at the first touch. */
int statefile_populate(void *start, size_t bytes);

/* One that is there, of that size; -EBADMSG: of another. */
int statefile_map_old(int dir_fd, const char *name, size_t bytes, void **map);
/* old: that, else a new one. */
int statefile_map(int dir_fd, const char *name, size_t bytes, bool reserve, bool old, void **map);

/* Whether more may be taken: others use the file system, too. */
bool statefile_has_space(int dir_fd, uint64_t bytes);

/* Small text file, replaced as a whole. */
int statefile_write_text(int dir_fd, const char *name, const char *text);
int statefile_read_text(int dir_fd, const char *name, char *text, size_t bytes);

#endif
