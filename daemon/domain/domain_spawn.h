/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_DOMAIN_SPAWN_H
#define UPAGER_DOMAIN_SPAWN_H

#include "domain/apart.h"
#include "options.h"
#include "pager.h"

/* Starts this program as the pager of apart->uid, with our options and areas. */
int domain_spawn(const struct options *opt, const struct pager *pg, const struct apart *apart,
		 pid_t *pid);

#endif
