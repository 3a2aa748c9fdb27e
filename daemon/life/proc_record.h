/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PROC_RECORD_H
#define UPAGER_PROC_RECORD_H

#include "life/house.h"

/* What is told of a process. h NULL: without what only the house knows, its family. */
void proc_record(const struct house *h, const struct proc *p, struct upager_record *rec);

#endif
