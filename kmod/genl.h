/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KMOD_GENL_H
#define _KMOD_GENL_H

int genl_init(void);
/* Waits for the commands in flight; nobody may send events any more. */
void genl_fini(void);

#endif /* _KMOD_GENL_H */
