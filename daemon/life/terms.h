/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TERMS_H
#define UPAGER_TERMS_H

#include <stdint.h>
#include <sys/types.h>

/* On what terms a process is paged; its children have the same. */
struct terms {
	uint64_t budget_bytes; /* its own; in a family that of all together */
	uint32_t family; /* 0: it is alone */
	uint32_t weight; /* where a limit makes budgets compete; 100 is normal */
	uid_t asked_by; /* who may page it; 0: whatever it executes */
};

#endif
