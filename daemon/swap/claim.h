/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CLAIM_H
#define UPAGER_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "swap/superblock.h"

/*
 * Which chunks of an area are whose, where several pagers share it (domain/).
 * A pager gives out slots of chunks that it has claimed, and of no others. Whose a
 * chunk is outlives the pager: it is dropped by its owner when nothing in it is in
 * use, and no write to it may be under way any more.
 *
 * A claim is one store; there is no lock that a pager could die with.
 */
struct claims;

/* Of the first pager: makes the file, or, with @old, counts anew what is free. */
int claims_found(int dir_fd, const struct superblock *sb, bool old);
/*
 * owner: not 0. most_percent: it claims no more of the area's chunks than that, but one.
 * fresh: nothing is known of what it had claimed before: that is dropped
 * CLAIM_LINGER_NS later only, as a write of its predecessor's may still be under way.
 */
int claims_open(struct claims **claims, int dir_fd, const struct superblock *sb, uint32_t owner,
		uint32_t most_percent, bool fresh);
void claims_close(struct claims *claims);

#define CLAIM_LINGER_NS (60 * 1000000000ULL)

/* Ours from now on, or already; false: it is another's, or we have as many as we may. */
bool claim_take(struct claims *claims, uint64_t chunk);
/* Whether it is ours. */
bool claim_has(const struct claims *claims, uint64_t chunk);
void claim_drop(struct claims *claims, uint64_t chunk);
/* How many more can be taken; others take some, too. */
uint64_t claim_room(const struct claims *claims);
/* The first pager: drops what owners have of whom is_gone() says that they are, and stay so. */
void claims_sweep(struct claims *claims, bool (*is_gone)(void *context, uint32_t owner),
		  void *context);
/* Whether something may be ours that was a predecessor's. */
bool claims_linger(const struct claims *claims);
/* That may be dropped by now, and was not yet: said once. */
bool claims_linger_over(struct claims *claims);

#endif
