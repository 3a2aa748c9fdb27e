/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a tracked process is: it is tracked as long as somebody claims it, and its children are
 * whose it is.  Owners without privileges have a quota, by user.
 */
#ifndef _KMOD_OWNER_H
#define _KMOD_OWNER_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct account;
struct cred;

/* A process has at most one owner of each kind. */
enum owner_kind {
	OWNER_ROOT, /* who may track anything, until he stops it */
	OWNER_SOCKET, /* of netlink */
	OWNER_FILE, /* an open `track`, which reads how its processes ended */
	NR_OWNER_KINDS
};

struct owner {
	enum owner_kind kind;
	u32 portid; /* of a socket */
	struct account *account; /* NULL: no quota */
	/* Protected by the table's lock. */
	struct list_head claims;
	struct list_head ended;
	struct list_head list; /* its creator's */
};

struct claim {
	struct owner *owner;
	struct list_head node;
};

/* Of a tracked process. */
struct claims {
	struct claim of[NR_OWNER_KINDS];
	struct account *account; /* which it counts for */
};

/*
 * The table's lock: what is listed, by number and by address space, family lines, claims and
 * accounts.  Raw, as tracepoints take it; nothing is allocated or freed under it.
 */
extern raw_spinlock_t owner_lock;

void owner_init(struct owner *owner, enum owner_kind kind);
/* @cred is of a user who has a quota, or NULL.  NULL if there is no memory. */
struct owner *owner_new(enum owner_kind kind, const struct cred *cred);
/* Nothing is its any more. */
void owner_free(struct owner *owner);

/* Under the lock.  -EBUSY: another of the kind has it; -EDQUOT. */
int owner_claim(struct owner *owner, struct claims *claims);
/* Lets go of a claim, if there is one; returns whether any is left. */
bool owner_release(struct claims *claims, enum owner_kind kind);

/* What was claimed is freed. */
void owner_uncharge(struct claims *claims);

#endif /* _KMOD_OWNER_H */
