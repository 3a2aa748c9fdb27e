/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The module's two faces: generic netlink, and the files of /proc/upager.
 *
 * The module only looks.  Nothing here changes a process: TRACK makes it count
 * what happens to an address space, everything else reads.
 */
#ifndef _UAPI_UPAGER_H
#define _UAPI_UPAGER_H

#define UPAGER_FAMILY_NAME    "upager"
#define UPAGER_FAMILY_VERSION 1
#define UPAGER_MCGRP_EVENTS   "events"

/** UPAGER_REPORT_VERSION - first line of every file: `version 1`. Keys are only ever added. */
#define UPAGER_REPORT_VERSION 1

/** UPAGER_TRACKED_MAX - processes that can be tracked at once; one more is refused with E2BIG. */
#define UPAGER_TRACKED_MAX 4096

/** UPAGER_TRACKED_PER_USER - of them, of a user without CAP_SYS_PTRACE; one more: EDQUOT. */
#define UPAGER_TRACKED_PER_USER 256

/** UPAGER_PINNED_PAGES_MAX - pages that one PINNED command may ask for. */
#define UPAGER_PINNED_PAGES_MAX 32768

/**
 * enum upager_cmd - commands and events of the family
 * @UPAGER_CMD_FEATURES: no attributes.  Answers VERSION, FEATURES, NR_TRACKED, TRACKED_MAX.
 * @UPAGER_CMD_TRACK:    PID.  Counts copy-on-write of the process from now on, and of every child
 *                       that it forks from now on.  Tracking what is tracked is no error.
 *                       It ends with the socket, of which the process is from now on.
 *                       ESRCH: no such process, a zombie, or a kernel thread.  E2BIG: table full.
 *                       EBUSY: another socket tracks it.
 * @UPAGER_CMD_UNTRACK:  PID.  ESRCH: this socket does not track it.
 * @UPAGER_CMD_PAGING:   PID and PAGING: the pager's counters for a tracked process, shown in its
 *                       file `paging` as they were reported last.  ESRCH: this socket does not
 *                       track it.
 * @UPAGER_CMD_PINNED:   PID, START, NR_PAGES: answers the same and PINNED, a bitmap with a bit for
 *                       each page, the lowest address in bit 0 of byte 0: set if the page is
 *                       present and something besides page tables holds it (its references exceed
 *                       its mappings), so that it may be read or written by way of no page table.
 *                       A snapshot: true of each page at one moment between question and answer.
 *                       EINVAL: START unaligned, or NR_PAGES zero or above the limit.
 * @UPAGER_CMD_FORK:     event: PID, a new process, was forked by PARENT_PID, one that a socket
 *                       tracks; the next two are of these, too.
 * @UPAGER_CMD_EXEC:     event: PID executed another program and has a new address space.
 * @UPAGER_CMD_EXIT:     event: the last thread of PID has ended.  COW has its final counts.
 *
 * Pids are those of the initial pid namespace.  All commands but FEATURES, and to hear events, take
 * CAP_NET_ADMIN; TRACK and PINNED besides that the process is the sender's own, or CAP_SYS_PTRACE
 * over it (else EPERM).  Events go to the initial network namespace only.
 */
enum upager_cmd {
	UPAGER_CMD_UNSPEC,
	UPAGER_CMD_FEATURES,
	UPAGER_CMD_TRACK,
	UPAGER_CMD_UNTRACK,
	UPAGER_CMD_PAGING = 5, /* 4 is not used any more */
	UPAGER_CMD_PINNED,
	UPAGER_CMD_FORK,
	UPAGER_CMD_EXEC,
	UPAGER_CMD_EXIT,

	/* private: */
	__UPAGER_CMD_MAX
};

#define UPAGER_CMD_MAX (__UPAGER_CMD_MAX - 1)

/**
 * enum upager_attr - attributes of a message
 * @UPAGER_A_PAD:         alignment of what is 64 bits wide
 * @UPAGER_A_VERSION:     u32, UPAGER_FAMILY_VERSION of the module
 * @UPAGER_A_FEATURES:    u64, bits of enum upager_feature
 * @UPAGER_A_NR_TRACKED:  u32, processes tracked now
 * @UPAGER_A_TRACKED_MAX: u32, UPAGER_TRACKED_MAX of the module
 * @UPAGER_A_PID:         u32, a process
 * @UPAGER_A_PARENT_PID:  u32, the process that forked it
 * @UPAGER_A_START:       u64, an address, page aligned
 * @UPAGER_A_NR_PAGES:    u32, length of a range
 * @UPAGER_A_PINNED:      binary, (NR_PAGES + 7) / 8 bytes
 * @UPAGER_A_PAGING:      nest of enum upager_paging_attr
 * @UPAGER_A_COW:         nest of enum upager_cow_attr
 */
enum upager_attr {
	UPAGER_A_UNSPEC,
	UPAGER_A_PAD,
	UPAGER_A_VERSION,
	UPAGER_A_FEATURES,
	UPAGER_A_NR_TRACKED,
	UPAGER_A_TRACKED_MAX,
	UPAGER_A_PID,
	UPAGER_A_PARENT_PID,
	UPAGER_A_START,
	UPAGER_A_NR_PAGES,
	UPAGER_A_PINNED,
	UPAGER_A_PAGING = 14, /* 11 to 13 are not used any more */
	UPAGER_A_COW,

	/* private: */
	__UPAGER_A_MAX
};

#define UPAGER_A_MAX (__UPAGER_A_MAX - 1)

/**
 * enum upager_feature - what the module can do on this kernel
 * @UPAGER_FEATURE_COPIES:      copies by copy-on-write are counted
 * @UPAGER_FEATURE_REUSES:      write faults that needed no copy are counted
 * @UPAGER_FEATURE_ZERO_WRITES: first writes to the zero page are counted
 * @UPAGER_FEATURE_FILE_WRITES: first writes to private pages of files are counted
 * @UPAGER_FEATURE_HUGE_BREAKS: copy-on-write of huge pages is counted
 * @UPAGER_FEATURE_EVENTS:      fork, exec and exit are announced; children are tracked
 * @UPAGER_FEATURE_PINNED:      PINNED is answered
 * @UPAGER_FEATURE_HUGE_SPLITS: splits of huge pages by copy-on-write are counted
 * @UPAGER_FEATURE_SHARED_NOW:  pages that are mapped more than once are known: the kernel keeps a
 *                              count of each (not with CONFIG_NO_PAGE_MAPCOUNT, where what libs has
 *                              of shared, private and proportional is an average as in smaps)
 *
 * What a kernel has no probe point for, or whose probe does not fire (kprobes are disabled,
 * kernel.ftrace_enabled is 0), stays without its bit, and its keys are left out of `cow`: until the
 * last process is not tracked any more, for what was missed stays so.
 */
enum upager_feature {
	UPAGER_FEATURE_COPIES = 1 << 0,
	UPAGER_FEATURE_REUSES = 1 << 1,
	UPAGER_FEATURE_ZERO_WRITES = 1 << 2,
	UPAGER_FEATURE_FILE_WRITES = 1 << 3,
	UPAGER_FEATURE_HUGE_BREAKS = 1 << 4,
	UPAGER_FEATURE_EVENTS = 1 << 5,
	UPAGER_FEATURE_PINNED = 1 << 6,
	UPAGER_FEATURE_HUGE_SPLITS = 1 << 7,
	UPAGER_FEATURE_SHARED_NOW = 1 << 8,
};

/**
 * enum upager_cow_attr - what a process did from when it was tracked to its end, all u64
 *
 * The keys of `cow` in upper case, from copies on, in that order; what that leaves out, this does.
 */
enum upager_cow_attr {
	UPAGER_COW_A_UNSPEC,
	UPAGER_COW_A_PAD,
	UPAGER_COW_A_COPIES,
	UPAGER_COW_A_REUSES_WITHOUT_COPY,
	UPAGER_COW_A_ZERO_FIRST_WRITES,
	UPAGER_COW_A_FILE_FIRST_WRITES,
	UPAGER_COW_A_HUGE_BREAKS,
	UPAGER_COW_A_HUGE_SPLITS,
	UPAGER_COW_A_HUGE_SPLIT_BYTES,
	UPAGER_COW_A_HUGE_ZERO_WRITES,
	UPAGER_COW_A_HUGE_ZERO_BYTES,
	UPAGER_COW_A_HUGETLB_COPIES,
	UPAGER_COW_A_HUGETLB_BYTES_COPIED,
	UPAGER_COW_A_FORKS,
	UPAGER_COW_A_PAGE_TABLE_BYTES_COPIED,
	UPAGER_COW_A_BYTES_COPIED,
	UPAGER_COW_A_CHILDREN,
	UPAGER_COW_A_CHILDREN_COPIES,
	UPAGER_COW_A_CHILDREN_REUSES,
	UPAGER_COW_A_CHILDREN_BYTES_COPIED,
	UPAGER_COW_A_CHILDREN_LOST,
	UPAGER_COW_A_PROBES_MISSED,

	/* private: */
	__UPAGER_COW_A_MAX
};

#define UPAGER_COW_A_MAX (__UPAGER_COW_A_MAX - 1)

/**
 * enum upager_paging_attr - what the pager says of a process, all u64
 * @UPAGER_PAGING_A_PAD:               alignment
 * @UPAGER_PAGING_A_BUDGET_BYTES:      what may be resident
 * @UPAGER_PAGING_A_RESIDENT_BYTES:    what is, of the memory that is paged
 * @UPAGER_PAGING_A_STANDBY_BYTES:     out of the process, in the pager's memory
 * @UPAGER_PAGING_A_SWAPPED_BYTES:     out of the process, in a swap area
 * @UPAGER_PAGING_A_FAULTS:            missing pages that the pager brought
 * @UPAGER_PAGING_A_EVICTIONS:         pages that it took
 * @UPAGER_PAGING_A_RESCUES:           faults answered from its memory
 * @UPAGER_PAGING_A_READAHEAD_PAGES:   pages read before they were asked for
 * @UPAGER_PAGING_A_READAHEAD_HITS:    of these, what was used
 * @UPAGER_PAGING_A_CHECKSUM_FAILURES: pages that came back wrong and were refused
 * @UPAGER_PAGING_A_IO_ERRORS:         reads and writes that failed
 */
enum upager_paging_attr {
	UPAGER_PAGING_A_UNSPEC,
	UPAGER_PAGING_A_PAD,
	UPAGER_PAGING_A_BUDGET_BYTES,
	UPAGER_PAGING_A_RESIDENT_BYTES,
	UPAGER_PAGING_A_STANDBY_BYTES,
	UPAGER_PAGING_A_SWAPPED_BYTES,
	UPAGER_PAGING_A_FAULTS,
	UPAGER_PAGING_A_EVICTIONS,
	UPAGER_PAGING_A_RESCUES,
	UPAGER_PAGING_A_READAHEAD_PAGES,
	UPAGER_PAGING_A_READAHEAD_HITS,
	UPAGER_PAGING_A_CHECKSUM_FAILURES,
	UPAGER_PAGING_A_IO_ERRORS,

	/* private: */
	__UPAGER_PAGING_A_MAX
};

#define UPAGER_PAGING_A_MAX (__UPAGER_PAGING_A_MAX - 1)

/**
 * DOC: /proc/upager
 *
 * All files are lines `key value`, the first `version 1`.  A group that repeats (a hole, an object)
 * begins with a line `hole N` or `object N`, counted from 1.  Names are the rest of their line,
 * with newline and backslash as octal escapes.  Addresses are hexadecimal with 0x, everything
 * else is decimal with its unit in the key.
 *
 * track:     write a pid to track it, -pid to stop.  Open for reading and writing, it owns what is
 *            tracked by it, children included, until it is closed: for processes whose
 *            /proc/PID/maps the opener may read, UPAGER_TRACKED_PER_USER of each user (EDQUOT),
 *            without limit with CAP_SYS_PTRACE in the initial user namespace.  EBUSY: another open
 *            file tracks it.  Reading waits for its processes to end and tells of each: `process
 *            PID`, comm and what was counted; 0 when none is left.  What a user tracks so is let go
 *            of where it executes a program that he may not look at.
 *            Open for writing only it takes that capability, and tracks until -pid is written.
 * processes: a header line, then one line for each tracked process that the opener may look at.
 * query:     write a pid, read `pid`, `comm`, `tracked` (0 or 1) and the report of that process:
 *            the lines of holes, libs and cow, and of paging if it is tracked; first all sums, then
 *            each hole and each object.  Who may read /proc/PID/maps may ask: the credentials of
 *            who opened the file count, whoever writes.
 * PID/holes, PID/libs, PID/cow, PID/paging, PID/summary: of a tracked process.
 *
 * A report is made as it is read, from one pass for the sums and then record by record, as
 * /proc/PID/maps is: what changes meanwhile may be in one and not in the other.
 *
 * holes, gaps between mappings, those before the first and behind the last included:
 *   holes_count, holes_bytes, largest_hole_bytes,
 *   heap_hole_bytes   room that the heap can grow into: from its end to the next mapping, as far
 *                     as RLIMIT_DATA and RLIMIT_AS let it
 *   stack_hole_bytes  room that the stack can grow into, down to the next mapping, as far as
 *                     RLIMIT_STACK and RLIMIT_AS let it
 *   mapped_bytes      sum of all mappings, without the vsyscall page
 *   space_bytes       size of the address space of a user: mapped + holes
 *   space_used_ppm, and the same against the 47-bit window that every program gets unless it asks
 *   for more: window_bytes, window_mapped_bytes, window_holes_count, window_holes_bytes,
 *   window_used_ppm; then per hole: hole N, hole_start, hole_end, hole_bytes, hole_below,
 *   hole_above (names of the mappings that it lies between, "[none]" at the ends of the address
 *   space), and hole_role (heap, stack, or heap,stack) where it has one.
 * libs, files of which something is mapped to be executed, with all their mappings that no mapping
 * of another file parts from it:
 *   libs_count, libs_mapped_bytes, libs_resident_bytes,
 *   libs_shared_bytes        present and mapped more than once
 *   libs_private_bytes       present and mapped here only
 *   libs_proportional_bytes  each present page divided by how often it is mapped
 *   then per object: object N, object_path, object_start, object_end, object_mapped_bytes, of
 *   which object_executable_bytes, object_writable_bytes and object_readonly_bytes (the rest cannot
 *   be accessed), object_resident_bytes, object_shared_bytes, object_private_bytes,
 *   object_proportional_bytes, object_processes (address spaces that map the file; left out where
 *   there are too many to count), object_hole_below and object_hole_above (numbers of the holes
 *   nearest below and above it, 0 if none).
 * cow, what is shared copy-on-write, and what became of it:
 *   shared_now_pages         anonymous pages in private mappings, mapped more than once
 *   maybe_shared_pages       those that are not marked exclusive: the next write looks whether it
 *                            must copy; includes the former
 *   and since tracking began, of the process whose memory is written, whoever does it:
 *   copies                   writes that copied a page because it was shared
 *   reuses_without_copy      write faults that found nobody else and copied nothing
 *   zero_first_writes        writes that replaced the zero page
 *   file_first_writes        writes that made a private page of a file's
 *   huge_breaks              write faults on a transparent huge page mapped as a whole, of which:
 *   huge_splits              were shared, so that the mapping was split and small pages are copied
 *   huge_split_bytes         of these mappings; nothing is copied by it
 *   huge_zero_writes         replaced the huge zero page
 *   huge_zero_bytes          by huge pages; not where it was split into small zero pages
 *   hugetlb_copies           writes that copied a page of hugetlbfs because it was shared
 *   hugetlb_bytes_copied     by these, pages of whatever size
 *   forks                    processes forked that share nothing but copies
 *   page_table_bytes_copied  page tables that these forks got
 *   bytes_copied             of pages, by copies, file_first_writes and hugetlb_copies
 *   children                 children that were tracked; the next are what children did, ended
 *                            ones included, and theirs in turn
 *   children_copies, children_reuses, children_bytes_copied
 *   children_lost            children that were not tracked: there were too many
 *   probes_missed            hits of probes, of whoever, that the kernel did not let count since
 *                            the first process was tracked
 *   then, of a tracked process, at most 16 places of which pages were copied, and what was copied
 *   elsewhere: place N, place_name (of the file, [heap], [stack], [anon], [others]), place_start
 *   (of the first such mapping; memory without a name is one place for each 64 MiB, as libc lays
 *   out its arenas), place_copies and place_bytes
 * paging: the attributes of enum upager_paging_attr in lower case, without UPAGER_PAGING_A_, and
 *   reported_age_ms; only `version 1` and `reported 0` as long as nothing was reported.
 * summary: pid, comm, and the sums of the four.
 */

#endif /* _UAPI_UPAGER_H */
