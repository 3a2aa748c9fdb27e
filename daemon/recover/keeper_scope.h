/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_KEEPER_SCOPE_H
#define UPAGER_KEEPER_SCOPE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A unit of its own for the keeper, where systemd runs the daemon: what is done
 * to all processes of the daemon's unit, by `systemctl kill` or systemd-oomd,
 * leaves the keeper alone.  Asked for by a thread, since the manager may be slow.
 */
void keeper_scope_move(pid_t pid);
/* While true the number of a keeper is not to become another process's: no keeper is waited for. */
bool keeper_scope_is_moving(void);

#endif
