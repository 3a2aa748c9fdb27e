// SPDX-License-Identifier: GPL-2.0-only
#include "life/patience.h"

#include "base/clock.h"

/* So many times as long it waits then. */
#define PAUSES 3

bool patience_has(const struct housekeeping *h, uid_t uid)
{
	uint64_t now_ns = clock_ns();

	for (uint32_t i = 0; i < PATIENCE_MAX; i++)
		if (h->patience[i].uid == uid && h->patience[i].until_ns > now_ns)
			return false;
	return true;
}

void patience_charge(struct housekeeping *h, uid_t uid, uint64_t begin_ns)
{
	struct patience *entry = &h->patience[0];
	uint64_t now_ns = clock_ns();

	if (!uid)
		return;
	for (uint32_t i = 0; i < PATIENCE_MAX && entry->uid != uid; i++)
		if (h->patience[i].uid == uid || h->patience[i].until_ns < entry->until_ns)
			entry = &h->patience[i];
	if (entry->uid != uid)
		*entry = (struct patience){ .uid = uid };
	entry->until_ns = max_t(uint64_t, entry->until_ns, now_ns + PAUSES * (now_ns - begin_ns));
}
