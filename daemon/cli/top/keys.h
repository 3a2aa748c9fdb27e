/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TOP_KEYS_H
#define UPAGER_TOP_KEYS_H

#include "cli/top/view.h"

/* What a key does, as curses names it. */
void top_key(struct top_view *v, struct top_sample *s, int key);

#endif
