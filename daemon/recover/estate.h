/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_ESTATE_H
#define UPAGER_ESTATE_H

#include "pager.h"

/* The descriptors that the state names, in no order. */
struct estate {
	int *fd;
	uint32_t nr;
	uint32_t room;
};

/* -EBADMSG: the state names what cannot be one. The caller frees .fd. */
int estate_list(struct estate *estate, const struct pager *pg);
bool estate_has(const struct estate *estate, int fd);

#endif
