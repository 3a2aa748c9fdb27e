/* SPDX-License-Identifier: GPL-2.0-only */
/* The trace event upager:upager_cow: each write that copy-on-write has to decide about. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM upager

#if !defined(_KMOD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _KMOD_TRACE_H

#include <linux/tracepoint.h>

/* clang-format off */
#ifndef COW_KINDS
#define COW_KINDS
/* Numbers that perf and bpftrace see, too. */
enum cow_kind {
	COW_COPY,
	COW_REUSE,
	COW_ZERO,
	COW_FILE,
	COW_HUGE,
	COW_HUGE_SPLIT,
	COW_HUGE_ZERO,
	COW_HUGETLB
};
#endif

TRACE_EVENT(upager_cow,
	TP_PROTO(int pid, unsigned long address, int kind, unsigned long ip),
	TP_ARGS(pid, address, kind, ip),
	TP_STRUCT__entry(
		__field(int, pid)
		__field(int, kind)
		__field(unsigned long, address)
		__field(unsigned long, ip)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->kind = kind;
		__entry->address = address;
		__entry->ip = ip;
	),
	TP_printk("pid=%d address=0x%lx kind=%s ip=0x%lx", __entry->pid, __entry->address,
		  __print_symbolic(__entry->kind, { COW_COPY, "copy" }, { COW_REUSE, "reuse" },
				   { COW_ZERO, "zero" }, { COW_FILE, "file" },
				   { COW_HUGE, "huge" }, { COW_HUGE_SPLIT, "huge_split" },
				   { COW_HUGE_ZERO, "huge_zero" }, { COW_HUGETLB, "hugetlb" }),
		  __entry->ip)
);
/* clang-format on */

#endif /* _KMOD_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH kmod
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
