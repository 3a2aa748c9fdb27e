/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PROC_H
#define UPAGER_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/inject.h"
#include "life/terms.h"
#include "life/zap_watch.h"
#include "memory/space.h"
#include "share/share.h"
#include "uapi/upager_proto.h"

/*
 * A process that the daemon was asked to page, from ATTACH until it exits or
 * is detached.  exec gives it another address space; the budget stays.  The
 * housekeeping's own.
 */
struct proc {
	pid_t pid;
	int pidfd;
	int dir_fd; /* /proc/PID */
	uint64_t born_ticks; /* since boot: with that the number is one process's for ever */
	pid_t live_tid; /* a thread that lives: the first one may end before the others [F18] */
	int statm_fd; /* of that thread */
	uid_t uid; /* owner of /proc/PID */
	struct terms terms;
	struct claim claim; /* .share: what it may have now */
	bool pressed; /* those that it shares with have more than they may together */
	uint64_t faults_seen;
	uint64_t active_ns; /* when it faulted last */
	uint64_t idled_ns; /* when it last gave something for not faulting */
	pid_t parent_pid; /* followed: who made it */
	bool followed; /* by descendants.c, nothing of ours was in it then */
	bool borrows; /* followed: it runs in its parent's memory */
	uint64_t begin_at_ns; /* not before */
	uint64_t begin_pause_ns;
	bool stop_any; /* also a thread that notices it */
	enum upager_proc_state state;
	struct space *space; /* NULL: nothing of ours is in it */
	bool exited;
	bool child; /* came by fork of a paged process */
	bool by_itself; /* it, or what it came from by fork, asked for it: never stopped or traced */
	uint64_t since_ns; /* when it was taken on */
	bool size_changed; /* mappings may be new */
	uint64_t size_pages; /* at the last scan */
	uint64_t rss_pages; /* RssAnon, sampled */
	uint64_t scanned_ns;
	uint64_t scan_cost_ns;
	uint64_t adopted_ns; /* when all that is registered was looked through last */
	uint64_t unfix_at_ns; /* when what could not be moved is tried again */
	uint64_t unfix_pause_ns;
	uint64_t looked_ns; /* wakeup.c: last */
	uint64_t look_at_ns; /* next, if nothing else asks for it */
	uint64_t pause_ns;
	uint64_t ran_ns; /* processor time at that look */
	uint64_t faults_looked; /* and faults */
	bool tracked; /* by the kernel module */
	uint64_t track_at_ns; /* not before, when it was not */
	uint64_t told_ns; /* when the module was told its counters */
	struct upager_record told; /* and which */
	uint64_t stopped_ns; /* time that the target was stopped by attach */
	bool stop_active;
	uint64_t stop_began_ns;
	uint64_t stopping_ns; /* it took so long */
	uint64_t stop_evictions; /* of its space, when it began */
	uint64_t stop_excess;
	uint64_t run_ns; /* it runs at least so long after the last */
	uint64_t run_until_ns;
	uint64_t pauses;
	uint64_t paused_ns;
	struct zap_watch zaps; /* while something of it is in quarantine */
	struct inject_stop stop;
	char text[UPAGER_TEXT_BYTES]; /* why it is refused, or what to know */
	char delay[UPAGER_TEXT_BYTES]; /* what it waits for: it is tried again */
	struct proc *next;
};

/*
 * Opens /proc/PID and a pidfd.  -ESRCH, or -EPERM for what has no memory of
 * its own (kernel threads), with a clause in text.
 */
int proc_open(struct proc **proc, pid_t pid, char text[UPAGER_TEXT_BYTES]);
/* One that is paged: its first thread may have ended before the others [F18]. */
int proc_open_known(struct proc **proc, pid_t pid);
void proc_close(struct proc *proc);
/* A file of /proc/PID, opened. */
int proc_open_file(const struct proc *proc, const char *name, int flags);
/* RssAnon and VmSize in pages; -ESRCH when the process is gone. */
int proc_sample(struct proc *proc);
/* As the kernel names it, by value. */
void proc_comm(const struct proc *proc, char comm[16]);
/* Whether it still has the address space that the agent is in. */
bool proc_same_space(const struct proc *proc);
/*
 * The parent of the process whose directory in /proc is called name, and when
 * it was born in clock ticks since boot.
 */
int proc_birth(const char *name, pid_t *parent_pid, uint64_t *ticks);
/* Somewhere in the stack of its first thread; 0 where that is not told. */
uint64_t proc_stack_addr(const struct proc *proc);
/* The process that a pidfd names, as seen from here; -1 if it is none, or has been reaped. */
pid_t proc_of_pidfd(int pidfd);
/* Which process started the one whose directory in /proc is called name; 0 none. */
pid_t proc_parent_of(const char *name);
/* The process that thread tid belongs to, as seen from here; 0 none. */
pid_t proc_of_thread(uint32_t tid, const struct proc *parent);
/* In another PID namespace than this one. */
bool proc_is_elsewhere(const struct proc *p);

#endif
