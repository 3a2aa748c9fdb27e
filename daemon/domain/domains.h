/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_DOMAINS_H
#define UPAGER_DOMAINS_H

#include "domain/apart.h"
#include "options.h"
#include "pager.h"

/*
 * The pagers of users, as the first one sees them: child processes, each with a state
 * directory domains/UID below its own, a keeper and a socket for root there. One is
 * started when its user first connects, or had programs paged when the pager before
 * ended; one that dies is started again and takes over from its keeper. All end with
 * the first one. Nothing here waits for any of them.
 */
#define DOMAINS_MAX 256

struct domain {
	uid_t uid;
	pid_t pid; /* 0: it does not run */
	int pidfd;
	uint64_t began_ns;
};

struct domains {
	struct apart *apart;
	const struct options *opt;
	struct pager *pg;
	int dir_fd; /* of their state directories */
	int watch_fd; /* readable when one has ended */
	bool ending;
	bool left; /* one has left programs behind at the end */
	bool waits; /* somebody's is to be started again soon */
	uint64_t sweep_ns; /* when what those had claimed that are gone is given back; 0: nothing */
	uint32_t nr;
	struct domain at[DOMAINS_MAX];
};

/* Starts those that have somebody to take over. What is wrong is logged. */
int domains_init(struct domains *d, struct apart *apart, const struct options *opt,
		 struct pager *pg);
/*
 * A connection to the pager of that user, who need not have one yet; -EAGAIN it ended a
 * moment ago, or takes no more just now; -EUSERS there are DOMAINS_MAX; or -errno.
 */
int domains_connect(struct domains *d, uid_t uid);
/* Whether it is one of them, or the keeper of one. */
bool domains_has_process(const struct domains *d, pid_t pid);
/* Reaps, and starts again; in how many ns at the latest it is to be called once more. */
uint64_t domains_look_after(struct domains *d);
/* Tells them to end; over when none is left. */
void domains_end(struct domains *d);
bool domains_ended(const struct domains *d);
/* Names those that are left, and kills them; false: programs wait for the next daemon. */
bool domains_give_up(struct domains *d);

#endif
