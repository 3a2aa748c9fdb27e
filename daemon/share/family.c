// SPDX-License-Identifier: GPL-2.0-only
#include "share/family.h"

#include <stdlib.h>

struct family *family_new(struct families *fs, pid_t leader, uint64_t budget_bytes, uint32_t weight)
{
	struct family *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->id = ++fs->last_id;
	f->leader = leader;
	f->budget_bytes = budget_bytes;
	f->weight = weight;
	f->next = fs->first;
	fs->first = f;
	return f;
}

bool family_restore(struct families *fs, const struct terms *terms, pid_t leader)
{
	struct family *f;

	if (!terms->family || family_find(fs, terms->family))
		return true;
	f = family_new(fs, leader, terms->budget_bytes, terms->weight);
	if (!f)
		return false;
	f->id = terms->family;
	if (fs->last_id < f->id)
		fs->last_id = f->id;
	return true;
}

struct family *family_find(const struct families *fs, uint32_t id)
{
	for (struct family *f = fs->first; f; f = f->next)
		if (f->id == id)
			return f;
	return NULL;
}

void family_free(struct families *fs, struct family *f)
{
	struct family **at = &fs->first;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	free(f);
}
