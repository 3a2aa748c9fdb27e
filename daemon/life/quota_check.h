/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_QUOTA_CHECK_H
#define UPAGER_QUOTA_CHECK_H

#include "life/housekeeping.h"

/* Whether a user may have one more process paged, with nr_begun on their way; -EUSERS with a clause. */
int quota_check_process(const struct housekeeping *h, uid_t uid, uint32_t nr_begun,
			char text[UPAGER_TEXT_BYTES]);

#endif
