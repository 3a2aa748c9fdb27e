// SPDX-License-Identifier: GPL-2.0-only
#include "fault/fault_list.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int fault_nodes_init(struct fault_nodes *nodes, uint32_t nr)
{
	nodes->nr_buckets = 1;
	while (nodes->nr_buckets < nr)
		nodes->nr_buckets *= 2;
	nodes->node = calloc(nr + 1, sizeof(*nodes->node)); /* node 0 is "none" */
	nodes->bucket = calloc(nodes->nr_buckets, sizeof(*nodes->bucket));
	if (!nodes->node || !nodes->bucket) {
		fault_nodes_fini(nodes);
		return -ENOMEM;
	}
	for (uint32_t i = 1; i < nr; i++)
		nodes->node[i].next = i + 1;
	nodes->free = 1;
	nodes->nr_free = nr;
	return 0;
}

void fault_nodes_fini(struct fault_nodes *nodes)
{
	free(nodes->node);
	free(nodes->bucket);
	nodes->node = NULL;
	nodes->bucket = NULL;
}

static uint32_t *bucket_of(struct fault_nodes *nodes, const struct fault *f)
{
	uint64_t key = (f->page.v << 20 ^ (uint64_t)f->tid << 1 ^ f->space) * 0x9e3779b97f4a7c15ULL;

	return &nodes->bucket[(key >> 32) & (nodes->nr_buckets - 1)];
}

/* The same fault, if it is in a list already. */
static struct fault *find(struct fault_nodes *nodes, const struct fault *f)
{
	for (uint32_t i = *bucket_of(nodes, f); i; i = nodes->node[i].next_alike) {
		struct fault *other = &nodes->node[i];

		if (other->page.v == f->page.v && other->tid == f->tid &&
		    other->space == f->space && other->write_protect == f->write_protect)
			return other;
	}
	return NULL;
}

static void forget(struct fault_nodes *nodes, uint32_t i)
{
	uint32_t *at = bucket_of(nodes, &nodes->node[i]);

	while (*at != i)
		at = &nodes->node[*at].next_alike;
	*at = nodes->node[i].next_alike;
}

void fault_list_add(struct fault_nodes *nodes, struct fault_list *list, struct fault f)
{
	uint32_t i = nodes->free, *bucket = bucket_of(nodes, &f);
	struct fault *same = find(nodes, &f);

	if (same) {
		list->nr_waits += f.waits && !same->waits;
		same->waits |= f.waits;
		return;
	}
	assert(i);
	nodes->free = nodes->node[i].next;
	nodes->nr_free--;
	f.next = 0;
	f.next_alike = *bucket;
	*bucket = i;
	nodes->node[i] = f;
	if (list->tail)
		nodes->node[list->tail].next = i;
	else
		list->head = i;
	list->tail = i;
	list->nr++;
	list->nr_waits += f.waits;
}

bool fault_list_take(struct fault_nodes *nodes, struct fault_list *list, struct fault *f)
{
	uint32_t i = list->head;

	if (!i)
		return false;
	forget(nodes, i);
	*f = nodes->node[i];
	list->head = f->next;
	if (!list->head)
		list->tail = 0;
	list->nr--;
	list->nr_waits -= f->waits;
	nodes->node[i].next = nodes->free;
	nodes->free = i;
	nodes->nr_free++;
	return true;
}
