// SPDX-License-Identifier: GPL-2.0-only
#include "cli/record.h"

const char *record_state(const struct upager_record *record)
{
	switch ((enum upager_proc_state)record->state) {
	case UPAGER_PROC_WATCHED:
		return "watched";
	case UPAGER_PROC_READY:
		return "ready";
	case UPAGER_PROC_PAGED:
		return "paged";
	case UPAGER_PROC_DETACHING:
		return "detaching";
	case UPAGER_PROC_REFUSED:
		return "refused";
	}
	return "unknown";
}

double record_percent(uint32_t hundredths)
{
	return (double)hundredths / 100;
}

double record_bytes_per_page(const struct upager_record *daemon)
{
	uint64_t used = daemon->slots_total - daemon->slots_free;

	if (!used)
		return 0;
	return (double)daemon->table_bytes / (double)used +
	       (double)daemon->slot_bytes / (double)daemon->slots_total;
}
