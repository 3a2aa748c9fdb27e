/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_VMA_H
#define UPAGER_VMA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A mapping as /proc/PID/maps or smaps shows it. */
struct vma {
	uint64_t start;
	uint64_t end;
	bool write;
	bool shared;
	bool anonymous; /* private, of no file, and not the kernel's own */
	bool stack;
	bool heap;
	/* smaps only: */
	bool wipe_on_fork;
	bool uffd_missing; /* registered with a userfaultfd */
	bool locked;
	bool soft_dirty; /* of the mapping itself: never cleared since it was made */
};

/*
 * Text files of /proc read piece by piece.  The callback returns false to stop.
 * 0 or -errno (-ESRCH: the address space is gone).
 */
typedef bool (*vma_fn)(void *context, const struct vma *v);

int vma_for_each(int maps_fd, vma_fn fn, void *context);
int vma_for_each_detailed(int smaps_fd, vma_fn fn, void *context);
/* The mapping that contains addr; -ENOENT when there is none. Cheap from Linux 6.11 on. */
int vma_find(int maps_fd, uint64_t addr, struct vma *v);
/* Whether the pager may take pages out of it (private, anonymous, writable, no stack). */
bool vma_is_pageable(const struct vma *v);

#endif
