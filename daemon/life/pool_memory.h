/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_POOL_MEMORY_H
#define UPAGER_POOL_MEMORY_H

#include "pager.h"

/* Memory for what a standby pool wants to grow by, and an end for what it has shed. */
void pool_memory_look_after(struct pager *pg, struct space *sp);

#endif
