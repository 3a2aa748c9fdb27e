/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#ifndef _UAPI_UPAGER_PROTO_H
#define _UAPI_UPAGER_PROTO_H

#include <linux/types.h>

/**
 * DOC: control socket of upagerd
 *
 * AF_UNIX, SOCK_SEQPACKET, by default /run/upager/upager.sock.  One request is
 * one packet, a struct upager_request; its answer is one packet, a struct
 * upager_reply, followed for STATUS and PING by reply.nr_records (PING: 1)
 * packets of struct upager_record.  A connection serves any number of requests,
 * one at a time.  Native byte order: both ends are on one machine.  The daemon
 * closes the connection after a packet of another magic or major version, one
 * shorter than UPAGER_REQUEST_BYTES_MIN or longer than UPAGER_PACKET_BYTES_MAX.
 * WHERE is answered by a packet of struct upager_where instead, STALL by
 * nr_records packets of struct upager_stall, DOMAINS by as many of struct
 * upager_domain.
 *
 * Structures grow at their ends and in what is reserved, as those of clone3()
 * and openat2() do.  Of a request what is missing is zero, and what the daemon
 * does not know must be: it answers -E2BIG, or -EINVAL within what it knows,
 * and the connection goes on.  Of an answer a client leaves aside what it does
 * not know: what is behind the end, what is reserved, a state or an exit code
 * that has no name; only a struct upager_provision it knows as a whole, or does
 * not do what it says.  HELLO tells either side what the other one knows; who does
 * not say it gets nothing that this header's version had not.
 *
 * Who may call: anybody who can connect may ask for STATUS and STALL of their own
 * processes; root of all.  The other requests need root or ownership of the
 * process (real, effective and saved uid equal the peer's, and dumpable).
 *
 * With ATTACH, DETACH, BUDGET and POPULATE the caller may pass a pidfd of the
 * process by SCM_RIGHTS; the daemon then refuses when @pid names another
 * process by now.
 *
 * What a process asks for itself names no pid: it is the one that connected.
 * JOIN makes it known.  Its answer is followed by nr_records (0 or 1) packets of
 * struct upager_provision, with UPAGER_PROVISION_FDS descriptors.  The process then
 * reserves memory as that says (MADV_DONTFORK, not locked), makes its
 * userfaultfd, and sends PROVISIONED; after the answer it starts the agent, a
 * process that shares its memory and inherits the descriptors, and sends
 * STARTED.  Nothing of this needs ptrace.
 */

#define UPAGER_PROTO_MAGIC	 0x52474155u /* "UAGR" */
#define UPAGER_PROTO_VERSION	 2
#define UPAGER_TEXT_BYTES	 240
#define UPAGER_HIST_BUCKETS	 32
/* A request has magic, version, op, flags and pid at least. */
#define UPAGER_REQUEST_BYTES_MIN 16
#define UPAGER_PACKET_BYTES_MAX	 4096

enum upager_op {
	UPAGER_OP_UNSPEC,
	UPAGER_OP_ATTACH, /* @pid, @budget_bytes, @flags, @weight */
	/* @pid; answers when everything was given back; who closes the connection before gives it up */
	UPAGER_OP_DETACH,
	UPAGER_OP_BUDGET, /* @pid, @budget_bytes, @weight: 0 leaves it; of its whole family */
	UPAGER_OP_POPULATE, /* @pid; answers when everything is resident; likewise */
	/*
	 * @pid, 0: all that the caller may see. @arg, for root, where users have pagers of their
	 * own: all of that user's; 0: of none of theirs
	 */
	UPAGER_OP_STATUS,
	UPAGER_OP_PING, /* answers the daemon's record */
	UPAGER_OP_JOIN, /* @budget_bytes, 0: all memory; sets it if the process is known */
	/*
	 * @addr: where the reservation begins; @arg: UPAGER_PROVISION_NRS() of the process's
	 * descriptors; with the userfaultfd, before UFFDIO_API, unless it was given.
	 */
	UPAGER_OP_PROVISIONED,
	UPAGER_OP_STARTED, /* with a pidfd of the agent; answers when it works */
	UPAGER_OP_REGISTER, /* @addr, @bytes */
	UPAGER_OP_UNREGISTER, /* @addr, @bytes; answers when all of it is resident */
	UPAGER_OP_ADVISE, /* @addr, @bytes, @arg: enum upager_advice */
	/*
	 * With a descriptor of the area (O_PATH will do); root only.  Answers -EINPROGRESS
	 * with how far it has come, until it is asked again when that is over.  Who closes
	 * the connection before that gives SWAPOFF up.
	 */
	UPAGER_OP_SWAPON, /* @arg: priority + UPAGER_PRIORITY_BIAS */
	UPAGER_OP_SWAPOFF,
	/*
	 * @pid, @addr, @bytes, @arg: 1 to UPAGER_WHERE_PARTS, 0: 1.  Answered by a packet of struct
	 * upager_where, for any process that the caller may page.
	 */
	UPAGER_OP_WHERE,
	/* @pid, 0: first of all programs together, then all that the caller may see; @arg as STATUS */
	UPAGER_OP_STALL,
	UPAGER_OP_HELLO, /* @arg: features that the client knows; answers with the daemon's */
	UPAGER_OP_DOMAINS, /* answers the users who have pagers of their own, whom STATUS leaves out */
	__UPAGER_OP_MAX,
};
#define UPAGER_OP_MAX (__UPAGER_OP_MAX - 1)

#define UPAGER_PRIORITY_BIAS 32767

/* HELLO: packets may be longer or shorter than this header says, as above. */
#define UPAGER_FEATURE_SIZES  (1ull << 0)
/* HELLO: JOIN and what comes with it, for which the kernel has what it takes. */
#define UPAGER_FEATURE_SELF   (1ull << 1)
/* HELLO: pages leave without all threads of their program being stopped. */
#define UPAGER_FEATURE_MOVE   (1ull << 2)
/* HELLO: what is lost gets SIGBUS also when the pager is gone. */
#define UPAGER_FEATURE_POISON (1ull << 3)

/*
 * ATTACH: do not stop the process now; watch it and place the agent when it
 * (or what it executes next) grows towards its budget.  For `upager run`.
 */
#define UPAGER_ATTACH_WATCH  (1u << 0)
/*
 * ATTACH: one budget for the process and its descendants, those that it has and
 * those to come.  Without it every child made from now on has one of its own.
 */
#define UPAGER_ATTACH_FAMILY (1u << 1)
/* ATTACH: stop a thread of it even where a system call would notice it (upager(1), NOTES). */
#define UPAGER_ATTACH_NOW    (1u << 2)

/* Of a process where the daemon has a limit for all, as of a cgroup's cpu.weight. */
#define UPAGER_WEIGHT_DEFAULT 100
#define UPAGER_WEIGHT_MAX     10000

/**
 * enum upager_advice - how a range that is paged will be used
 * @UPAGER_NORMAL: no hint, and no longer pinned
 * @UPAGER_WILLNEED: soon; begin to bring it in, as far as the budget has room
 * @UPAGER_COLD: not soon; its pages are the next ones to be taken out
 * @UPAGER_SEQUENTIAL: in order; read far ahead, take out what lies behind
 * @UPAGER_RANDOM: in no order; read nothing ahead
 * @UPAGER_PIN: brought in, and never taken out
 *
 * SEQUENTIAL, RANDOM and PIN replace each other and last until NORMAL, COLD
 * until all of it was offered for eviction once.
 */
enum upager_advice {
	UPAGER_NORMAL,
	UPAGER_WILLNEED,
	UPAGER_COLD,
	UPAGER_SEQUENTIAL,
	UPAGER_RANDOM,
	UPAGER_PIN,
	__UPAGER_ADVICE_MAX,
};
#define UPAGER_ADVICE_MAX (__UPAGER_ADVICE_MAX - 1)

struct upager_request {
	__u32 magic;
	__u16 version;
	__u16 op;
	__u32 flags;
	__s32 pid;
	__u64 budget_bytes;
	__u64 addr; /* whole pages */
	__u64 bytes; /* likewise */
	__u64 arg;
	__u32 weight; /* 1 to UPAGER_WEIGHT_MAX; 0: the default, or no change */
	__u32 reserved32; /* zero-checked */
};

/* The descriptors of a struct upager_provision, in this order. */
enum upager_provision_fd {
	UPAGER_PROVISION_UFFD, /* /dev/userfaultfd, or the userfaultfd itself if it is given */
	UPAGER_PROVISION_CTL, /* mapped shared at the start of the reservation */
	UPAGER_PROVISION_CODE, /* mapped private and executable */
	UPAGER_PROVISION_POOL, /* for the agent */
	UPAGER_PROVISION_EVENT, /* for the agent */
	UPAGER_PROVISION_GRIP, /* for the agent */
	__UPAGER_PROVISION_FDS,
};
#define UPAGER_PROVISION_FDS __UPAGER_PROVISION_FDS

/* The numbers of userfaultfd, pool, event and grip in the process, below 2^15. */
#define UPAGER_PROVISION_NRS(uffd, pool, event, grip) \
	((__u64)(uffd) | (__u64)(pool) << 15 | (__u64)(event) << 30 | (__u64)(grip) << 45)
#define UPAGER_PROVISION_NR(nrs, i) ((__s32)((nrs) >> 15 * (i)&0x7fff))

/* flags: the address space has a userfaultfd (after a fork), which is given. */
#define UPAGER_PROVISION_HAS_UFFD (1u << 0)

/*
 * What a process that joins maps: one inaccessible private anonymous
 * reservation, parts of which are made accessible or replaced.  Offsets count
 * from its start and are whole pages, but for the last two.
 */
struct upager_provision {
	__u32 flags;
	__u32 reserved32;
	__u64 hint; /* where to put it, 0: anywhere */
	__u64 bytes;
	__u64 ctl_bytes; /* at offset 0 */
	__u64 code;
	__u64 code_bytes;
	__u64 stack; /* read and write */
	__u64 stack_bytes;
	__u64 staging; /* read and write, no huge pages */
	__u64 staging_bytes;
	__u64 entry; /* void (*)(void *reservation, void *start), never returns */
	__u64 start;
	__u64 reserved[4];
};

enum upager_exit {
	UPAGER_EXIT_OK = 0,
	UPAGER_EXIT_FAILED = 1,
	UPAGER_EXIT_USAGE = 2,
	UPAGER_EXIT_KERNEL = 3,
};

struct upager_reply {
	__u32 magic;
	__u16 version;
	__u16 exit_code; /* enum upager_exit: what the command exits with */
	__s32 error; /* 0 or -errno */
	__u32 nr_records;
	__u64 stopped_ns; /* ATTACH: how long the process was stopped */
	__u64 features; /* HELLO: UPAGER_FEATURE_* */
	__u64 reserved[2];
	char text[UPAGER_TEXT_BYTES]; /* one clause: cause and remedy; empty if none */
};

enum upager_proc_state {
	UPAGER_PROC_WATCHED, /* under its budget: nothing of ours is in it */
	UPAGER_PROC_READY, /* agent placed, nothing registered yet */
	UPAGER_PROC_PAGED, /* registered: faults are served */
	UPAGER_PROC_DETACHING, /* pages are being given back */
	UPAGER_PROC_REFUSED, /* cannot be paged; @text says why */
};

/* Counters count since the daemon took the process over. */
struct upager_record {
	__s32 pid;
	__u32 state; /* enum upager_proc_state */
	__u32 uid;
	__u32 weight;
	__u64 budget_bytes; /* its own, or that of its family */
	__u64 resident_bytes; /* private anonymous memory present in the process */
	__u64 standby_bytes; /* of it in the daemon's second-chance pool */
	__u64 swapped_bytes; /* only in the swap area */
	__u64 registered_bytes;
	__u64 table_bytes; /* PING only: daemon memory for all page tables */
	__u64 faults;
	__u64 zero_fills; /* pages */
	__u64 swap_ins; /* pages read from the swap area */
	__u64 evictions; /* pages */
	__u64 clean_drops; /* evictions that needed no write */
	__u64 rescues; /* pages taken back from standby */
	__u64 refaults; /* swap_ins of pages evicted before */
	__u64 readahead_pages;
	__u64 readahead_hits;
	__u64 checksum_failures;
	__u64 io_errors;
	__u64 pinned; /* pages that could not be moved */
	__u64 throttled; /* faults that waited for an eviction */
	__u64 forks;
	/* Fault service time: bucket n counts [2^n, 2^(n+1)) ns. */
	__u64 latency_ns_log2[UPAGER_HIST_BUCKETS];
	/* PING only: the daemon itself. */
	__u64 slots_total;
	__u64 slots_free;
	/* Of a process again. */
	__u64 share_bytes; /* what it may have now of that and of the daemon's limit */
	__s32 family; /* pid of the process whose family it belongs to, 0: none */
	__u32 reserved32;
	/* PING only, but for pool_bytes. */
	__u64 memory_bytes; /* all that the daemon has in memory but its program files */
	__u64 pool_bytes; /* of it second-chance pools: of all processes, or of the one */
	__u64 slot_bytes; /* of it for slots, whether used or not */
	/* Of a process again. */
	__u64 pauses; /* times that all its threads were stopped to get it under its budget */
	__u64 paused_ns; /* for so long together */
	__u64 latency_ns; /* service times of all faults together; 0 of a daemon that is older */
	char comm[16];
	char text[UPAGER_TEXT_BYTES];
};

#define UPAGER_WHERE_PARTS 128

/* Of a part of a range, the pages that are not in the process, though they were. */
struct upager_where_part {
	__u32 standby_pages; /* in the daemon's second-chance pool, or on their way there */
	__u32 swapped_pages; /* only in the swap area */
	__u32 lost_pages; /* nowhere: SIGBUS */
	__u32 reserved32;
};

/* Part i of nr_parts is pages [i * pages / nr_parts, (i + 1) * pages / nr_parts) of the range. */
struct upager_where {
	__u64 addr; /* as asked */
	__u64 bytes;
	__u32 nr_parts;
	__u32 reserved32;
	struct upager_where_part part[UPAGER_WHERE_PARTS]; /* 0 behind the last */
};

/**
 * struct upager_stall - time in which a program waited for the pager
 * @pid: 0: of all programs together
 * @some_avg10: share of the last 10 seconds in which at least one thread waited for
 *	a fault, in hundredths of a percent
 * @some_avg60: likewise
 * @some_avg300: likewise
 * @some_total_us: such time in all since the daemon took the process over
 * @full_avg10: share in which moreover no thread could have run, by samples
 * @full_avg60: likewise
 * @full_avg300: likewise
 * @reserved: 0
 * @full_total_us: such time in all; what no sample has decided yet is not in it
 *
 * As in the kernel's pressure stall information, which does not see these waits
 * (kernel/sched/psi.c).
 */
struct upager_stall {
	__s32 pid;
	__u32 some_avg10;
	__u32 some_avg60;
	__u32 some_avg300;
	__u64 some_total_us;
	__u32 full_avg10;
	__u32 full_avg60;
	__u32 full_avg300;
	__u32 reserved;
	__u64 full_total_us;
};

/**
 * struct upager_domain - a user whose programs have a pager of their own
 * @uid: the user
 * @pid: the pager, 0: it does not run just now
 */
struct upager_domain {
	__u32 uid;
	__s32 pid;
	__u64 reserved[3];
};

#define UPAGER_STALL_WHOLE 10000 /* 100 percent */

/* Where a part begins, counted in pages from the range's first. */
static inline __u64 upager_where_first(const struct upager_where *w, __u32 part)
{
	return (__u64)((unsigned __int128)(w->bytes >> 12) * part / w->nr_parts);
}

#define UPAGER_ASSERT(name, cond) typedef char upager_assert_##name[(cond) ? 1 : -1]
UPAGER_ASSERT(request, sizeof(struct upager_request) == 56);
UPAGER_ASSERT(request_min,
	      __builtin_offsetof(struct upager_request, budget_bytes) == UPAGER_REQUEST_BYTES_MIN);
UPAGER_ASSERT(provision, sizeof(struct upager_provision) == 128);
UPAGER_ASSERT(reply, sizeof(struct upager_reply) == 288);
UPAGER_ASSERT(where, sizeof(struct upager_where) == 24 + 16 * UPAGER_WHERE_PARTS);
UPAGER_ASSERT(stall, sizeof(struct upager_stall) == 48);
UPAGER_ASSERT(domain, sizeof(struct upager_domain) == 32);
UPAGER_ASSERT(record, sizeof(struct upager_record) == 16 + 20 * 8 + 32 * 8 + 10 * 8 + 16 + 240);

#endif
