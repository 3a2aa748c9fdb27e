/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_KERNEL_PAGEMAP_H
#define UPAGER_KERNEL_PAGEMAP_H

#include <stdint.h>
#include <sys/ioctl.h>

/* An entry of /proc/PID/pagemap, see Documentation/admin-guide/mm/pagemap.rst. */
#define PAGEMAP_EXCLUSIVE (1ULL << 56)
#define PAGEMAP_GUARD	  (1ULL << 58)
#define PAGEMAP_FILE	  (1ULL << 61)
#define PAGEMAP_SWAPPED	  (1ULL << 62)
#define PAGEMAP_PRESENT	  (1ULL << 63)

/* PAGEMAP_SCAN: include/uapi/linux/fs.h of 6.7 and later. */
struct scan_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN_IOCTL    _IOWR('f', 16, struct scan_arg)
#define SCAN_WP_ASYNC (1ULL << 0)
#define SCAN_WRITTEN  (1ULL << 1)
#define SCAN_FILE     (1ULL << 2)
#define SCAN_PRESENT  (1ULL << 3)
#define SCAN_SWAPPED  (1ULL << 4)
#define SCAN_ZERO     (1ULL << 5)

#endif
