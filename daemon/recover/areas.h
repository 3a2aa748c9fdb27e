/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_AREAS_H
#define UPAGER_AREAS_H

#include "pager.h"

/*
 * The swap areas that a daemon is given, each as "PATH[,pri=N]".  In what it takes
 * over come those first that the dead daemon had, in its order, which slot numbers
 * depend on, and open already; all of them must be given.  What is wrong is logged.
 */
int areas_open(struct pager *pg, const char (*spec)[AREA_SPEC_BYTES], uint32_t nr_specs);

#endif
