// SPDX-License-Identifier: GPL-2.0-only
#include "fault/fault_list.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int fault_nodes_init(struct fault_nodes *nodes, uint32_t nr)
{
	nodes->node = calloc(nr + 1, sizeof(*nodes->node)); /* node 0 is "none" */
	if (!nodes->node)
		return -ENOMEM;
	for (uint32_t i = 1; i < nr; i++)
		nodes->node[i].next = i + 1;
	nodes->free = 1;
	nodes->nr_free = nr;
	return 0;
}

void fault_nodes_fini(struct fault_nodes *nodes)
{
	free(nodes->node);
	nodes->node = NULL;
}

void fault_list_add(struct fault_nodes *nodes, struct fault_list *list, struct fault f)
{
	uint32_t i = nodes->free;

	assert(i);
	nodes->free = nodes->node[i].next;
	nodes->nr_free--;
	f.next = 0;
	nodes->node[i] = f;
	if (list->tail)
		nodes->node[list->tail].next = i;
	else
		list->head = i;
	list->tail = i;
	list->nr++;
}

bool fault_list_take(struct fault_nodes *nodes, struct fault_list *list, struct fault *f)
{
	uint32_t i = list->head;

	if (!i)
		return false;
	*f = nodes->node[i];
	list->head = f->next;
	if (!list->head)
		list->tail = 0;
	list->nr--;
	nodes->node[i].next = nodes->free;
	nodes->free = i;
	nodes->nr_free++;
	return true;
}
