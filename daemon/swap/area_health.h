/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AREA_HEALTH_H
#define UPAGER_AREA_HEALTH_H

#include <stdint.h>

/* What has become of reads and writes of an area.  The worker counts, housekeeping says it. */
struct area_health {
	_Atomic uint64_t read_errors;
	_Atomic uint64_t write_errors;
	_Atomic uint64_t bad_checksums;
	_Atomic uint64_t lost; /* pages that could not be had in the end */
	_Atomic uint64_t retired; /* slots that could not be written, and are not used again */
	_Atomic uint32_t hung_reads; /* given up, not completed */
	_Atomic uint32_t hung_writes;
};

#endif
