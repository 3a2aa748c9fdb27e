// SPDX-License-Identifier: GPL-2.0-only
#include "memory/run_list.h"

#include <errno.h>
#include <stdlib.h>

int run_list_add(struct run_list *list, pgno_t first, pgno_t end)
{
	if (list->nr == list->max) {
		uint32_t max = list->max ? 2 * list->max : 16;
		struct page_range *at = realloc(list->at, max * sizeof(*at));

		if (!at)
			return -ENOMEM;
		list->at = at;
		list->max = max;
	}
	list->at[list->nr++] = (struct page_range){ first, end };
	return 0;
}

struct page_range *run_list_last(struct run_list *list)
{
	return list->nr ? &list->at[list->nr - 1] : NULL;
}

void run_list_pop(struct run_list *list)
{
	list->nr--;
}

void run_list_fini(struct run_list *list)
{
	free(list->at);
	*list = (struct run_list){ 0 };
}
