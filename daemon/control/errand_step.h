/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ERRAND_STEP_H
#define UPAGER_ERRAND_STEP_H

#include "pager.h"

/* Goes on with a space's errand, and with what is to be fetched ahead.  The worker's thread. */
void errand_step(struct pager *pg, struct space *sp);

#endif
