/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TROUBLE_H
#define UPAGER_TROUBLE_H

#include <stdint.h>

/* What a program over its budget gets when no slot is free for what should leave. */
enum when_full {
	WHEN_FULL_GROW, /* what it asks for */
	WHEN_FULL_WAIT, /* that later, when there is a slot */
	WHEN_FULL_SIGBUS, /* SIGBUS for memory that it touches first */
};

/* What is done when swap areas fail or are full.  Housekeeping may change it, the worker goes by it. */
struct trouble {
	_Atomic uint64_t retry_ns; /* a read that fails is tried again for so long */
	_Atomic uint64_t timeout_ns; /* a read or write that takes longer has failed */
	_Atomic enum when_full when_full;
};

#define TROUBLE_RETRY_S	  10
#define TROUBLE_TIMEOUT_S 60

#endif
