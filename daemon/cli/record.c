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
