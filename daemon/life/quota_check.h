/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_QUOTA_CHECK_H
#define UPAGER_QUOTA_CHECK_H

#include "life/housekeeping.h"

/* Whether a user may have one more process paged; -EUSERS with a clause. */
int quota_check_process(const struct housekeeping *h, uid_t uid, char text[UPAGER_TEXT_BYTES]);

#endif
