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

/*
 * Opens (makes) the directory, mode 0700, and takes its lock.  Returns the
 * directory's descriptor, or -EBUSY when another daemon (or the keeper of one
 * that died) holds it; the lock lives as long as anybody holds *lock_fd.
 */
int statefile_open_dir(const char *path, int *lock_fd);

/*
 * Maps bytes of a new, empty file; an old one of that name is unlinked first.
 * With reserve the blocks are allocated now, so that no later store can fail;
 * without it the file is sparse and each page is allocated when touched.
 */
int statefile_map_new(int dir_fd, const char *name, size_t bytes, bool reserve, void **map);

/* Small text file, replaced as a whole. */
int statefile_write_text(int dir_fd, const char *name, const char *text);
int statefile_read_text(int dir_fd, const char *name, char *text, size_t bytes);

#endif
