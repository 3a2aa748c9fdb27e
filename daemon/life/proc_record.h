/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PROC_RECORD_H
#define UPAGER_PROC_RECORD_H

#include "life/proc.h"
#include "share/family.h"

/* What is told of a process. fs NULL: all but its family. */
void proc_record(const struct families *fs, const struct proc *p, struct upager_record *rec);

#endif
