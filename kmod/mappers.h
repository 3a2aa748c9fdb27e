/* SPDX-License-Identifier: GPL-2.0-only */
/* The address spaces that map a file. */
#ifndef _KMOD_MAPPERS_H
#define _KMOD_MAPPERS_H

#include <linux/types.h>

struct address_space;

int mappers_count(struct address_space *mapping, u64 *nr_mms);

#endif /* _KMOD_MAPPERS_H */
