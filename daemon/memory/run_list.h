/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RUN_LIST_H
#define UPAGER_RUN_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/* A queue of page ranges; grows by allocation, so not for the fault path. */
struct page_range {
	pgno_t first;
	pgno_t end;
};

struct run_list {
	struct page_range *at;
	uint32_t nr;
	uint32_t max;
};

int run_list_add(struct run_list *list, pgno_t first, pgno_t end);
/* The last range, to be cut from its front by the caller; NULL when empty. */
struct page_range *run_list_last(struct run_list *list);
void run_list_pop(struct run_list *list);
void run_list_fini(struct run_list *list);

#endif
