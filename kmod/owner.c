// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/slab.h>
#include "owner.h"
#include "uapi/upager.h"

/* Of all users together, so that they leave room for those who may track anything. */
#define CHARGED_MAX (UPAGER_TRACKED_MAX / 2)

/* A user's: until the entries are freed, for it is memory that is shared out. */
struct account {
	struct list_head list;
	kuid_t uid;
	unsigned int nr_owners;
	unsigned int nr_charged;
};

DEFINE_RAW_SPINLOCK(owner_lock);
static LIST_HEAD(accounts);
static unsigned int nr_charged;

void owner_init(struct owner *owner, enum owner_kind kind)
{
	owner->kind = kind;
	INIT_LIST_HEAD(&owner->claims);
	INIT_LIST_HEAD(&owner->ended);
}

static struct account *find(kuid_t uid)
{
	struct account *account;

	list_for_each_entry(account, &accounts, list)
		if (uid_eq(account->uid, uid))
			return account;
	return NULL;
}

static struct account *get_account(kuid_t uid)
{
	struct account *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT), *account;

	if (!fresh)
		return NULL;
	fresh->uid = uid;
	raw_spin_lock(&owner_lock);
	account = find(uid);
	if (!account) {
		account = fresh;
		list_add(&account->list, &accounts);
	}
	account->nr_owners++;
	raw_spin_unlock(&owner_lock);
	if (account != fresh)
		kfree(fresh);
	return account;
}

static void put_account(struct account *account, unsigned int owners, unsigned int charged)
{
	bool last;

	raw_spin_lock(&owner_lock);
	account->nr_owners -= owners;
	account->nr_charged -= charged;
	nr_charged -= charged;
	last = !account->nr_owners && !account->nr_charged;
	if (last)
		list_del(&account->list);
	raw_spin_unlock(&owner_lock);
	if (last)
		kfree(account);
}

struct owner *owner_new(enum owner_kind kind, const struct cred *cred)
{
	struct owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);

	if (!owner)
		return NULL;
	owner_init(owner, kind);
	if (!cred)
		return owner;
	owner->account = get_account(cred->uid);
	if (owner->account)
		return owner;
	kfree(owner);
	return NULL;
}

void owner_free(struct owner *owner)
{
	if (owner->account)
		put_account(owner->account, 1, 0);
	kfree(owner);
}

static int charge(struct account *account, struct claims *claims)
{
	if (claims->account)
		return 0;
	if (account->nr_charged >= UPAGER_TRACKED_PER_USER || nr_charged >= CHARGED_MAX)
		return -EDQUOT;
	account->nr_charged++;
	nr_charged++;
	claims->account = account;
	return 0;
}

int owner_claim(struct owner *owner, struct claims *claims)
{
	struct claim *claim = &claims->of[owner->kind];
	int err = 0;

	lockdep_assert_held(&owner_lock);
	if (claim->owner)
		return claim->owner == owner ? 0 : -EBUSY;
	if (owner->account)
		err = charge(owner->account, claims);
	if (err)
		return err;
	claim->owner = owner;
	list_add_tail(&claim->node, &owner->claims);
	return 0;
}

bool owner_release(struct claims *claims, enum owner_kind kind)
{
	struct claim *claim = &claims->of[kind];

	lockdep_assert_held(&owner_lock);
	if (claim->owner)
		list_del(&claim->node);
	claim->owner = NULL;
	for (kind = 0; kind < NR_OWNER_KINDS; kind++)
		if (claims->of[kind].owner)
			return true;
	return false;
}

void owner_uncharge(struct claims *claims)
{
	if (claims->account)
		put_account(claims->account, 0, 1);
}
