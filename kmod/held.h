/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether something besides page tables holds a page. */
#ifndef _KMOD_HELD_H
#define _KMOD_HELD_H

#include <linux/types.h>

struct folio;

bool held_test(struct folio *folio);

#endif /* _KMOD_HELD_H */
