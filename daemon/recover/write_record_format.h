/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_WRITE_RECORD_FORMAT_H
#define UPAGER_WRITE_RECORD_FORMAT_H

#include <stdint.h>

/* Of the file "writes", see recover/stray.h. */
struct write_record {
	uint64_t slot;
	uint64_t nr_pages; /* stored last; 0: none */
};

#define WRITE_RECORDS 256 /* a page */
#define WRITES_MAX    128 /* of them: the worker's own; the others are strays */

_Static_assert(sizeof(struct write_record) == 16, "fixed layout");

#endif
