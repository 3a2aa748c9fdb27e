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

/** UPAGER_PINNED_PAGES_MAX - pages that one PINNED command may ask for. */
#define UPAGER_PINNED_PAGES_MAX 32768

/**
 * enum upager_cmd - commands and events of the family
 * @UPAGER_CMD_FEATURES: no attributes.  Answers VERSION, FEATURES, NR_TRACKED, TRACKED_MAX.
 * @UPAGER_CMD_TRACK:    PID.  Counts copy-on-write of the process from now on, and of every child
 *                       that it forks from now on.  Tracking what is tracked is no error.
 *                       ESRCH: no such process, a zombie, or a kernel thread.  E2BIG: table full.
 * @UPAGER_CMD_UNTRACK:  PID.  ESRCH: not tracked.
 * @UPAGER_CMD_GET:      PID: answers PID, and HOLES, LIBS, COW, PAGING (what there is of them; COW
 *                       and PAGING of an untracked process have only what can be seen now).  As a
 *                       dump, without PID: the same for each tracked process.
 * @UPAGER_CMD_PAGING:   PID and PAGING: the pager's counters for a tracked process, shown in its
 *                       file `paging` as they were reported last.  ESRCH: not tracked.
 * @UPAGER_CMD_PINNED:   PID, START, NR_PAGES: answers the same and PINNED, a bitmap with a bit for
 *                       each page, the lowest address in bit 0 of byte 0: set if the page is
 *                       present and something besides page tables holds it (its references exceed
 *                       its mappings), so that it may be read or written by way of no page table.
 *                       A snapshot: true of each page at one moment between question and answer.
 *                       EINVAL: START unaligned, or NR_PAGES zero or above the limit.
 * @UPAGER_CMD_FORK:     event: PID, a new process, was forked by PARENT_PID, a tracked one.
 * @UPAGER_CMD_EXEC:     event: PID executed another program and has a new address space.
 * @UPAGER_CMD_EXIT:     event: the last thread of PID has ended.
 *
 * Pids are those of the initial pid namespace.  All commands but FEATURES need CAP_NET_ADMIN, and
 * events go to the initial network namespace only.
 */
enum upager_cmd {
	UPAGER_CMD_UNSPEC,
	UPAGER_CMD_FEATURES,
	UPAGER_CMD_TRACK,
	UPAGER_CMD_UNTRACK,
	UPAGER_CMD_GET,
	UPAGER_CMD_PAGING,
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
 * @UPAGER_A_HOLES:       nest of enum upager_holes_attr
 * @UPAGER_A_LIBS:        nest of enum upager_libs_attr
 * @UPAGER_A_COW:         nest of enum upager_cow_attr
 * @UPAGER_A_PAGING:      nest of enum upager_paging_attr
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
	UPAGER_A_HOLES,
	UPAGER_A_LIBS,
	UPAGER_A_COW,
	UPAGER_A_PAGING,

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
 *
 * What a kernel has no probe point for stays without its bit, and its keys are left out of `cow`.
 */
enum upager_feature {
	UPAGER_FEATURE_COPIES = 1 << 0,
	UPAGER_FEATURE_REUSES = 1 << 1,
	UPAGER_FEATURE_ZERO_WRITES = 1 << 2,
	UPAGER_FEATURE_FILE_WRITES = 1 << 3,
	UPAGER_FEATURE_HUGE_BREAKS = 1 << 4,
	UPAGER_FEATURE_EVENTS = 1 << 5,
	UPAGER_FEATURE_PINNED = 1 << 6,
};

/**
 * enum upager_holes_attr - gaps between the mappings of an address space, all u64
 * @UPAGER_HOLES_A_PAD:           alignment
 * @UPAGER_HOLES_A_COUNT:         gaps, those before the first and behind the last mapping included
 * @UPAGER_HOLES_A_BYTES:         their sum: mapped + holes = space
 * @UPAGER_HOLES_A_LARGEST_BYTES: the largest
 * @UPAGER_HOLES_A_HEAP_BYTES:    room that the heap can grow into: from its end to the next mapping
 * @UPAGER_HOLES_A_STACK_BYTES:   room that the stack can grow into, down to the next mapping
 * @UPAGER_HOLES_A_MAPPED_BYTES:  sum of all mappings, without the vsyscall page
 * @UPAGER_HOLES_A_SPACE_BYTES:   size of the address space of a user
 */
enum upager_holes_attr {
	UPAGER_HOLES_A_UNSPEC,
	UPAGER_HOLES_A_PAD,
	UPAGER_HOLES_A_COUNT,
	UPAGER_HOLES_A_BYTES,
	UPAGER_HOLES_A_LARGEST_BYTES,
	UPAGER_HOLES_A_HEAP_BYTES,
	UPAGER_HOLES_A_STACK_BYTES,
	UPAGER_HOLES_A_MAPPED_BYTES,
	UPAGER_HOLES_A_SPACE_BYTES,

	/* private: */
	__UPAGER_HOLES_A_MAX
};

#define UPAGER_HOLES_A_MAX (__UPAGER_HOLES_A_MAX - 1)

/**
 * enum upager_libs_attr - sums over the mapped ELF objects, all u64
 * @UPAGER_LIBS_A_PAD:                alignment
 * @UPAGER_LIBS_A_COUNT:              objects, the program itself included
 * @UPAGER_LIBS_A_MAPPED_BYTES:       their mappings
 * @UPAGER_LIBS_A_RESIDENT_BYTES:     of which present
 * @UPAGER_LIBS_A_SHARED_BYTES:       present and mapped more than once
 * @UPAGER_LIBS_A_PRIVATE_BYTES:      present and mapped here only
 * @UPAGER_LIBS_A_PROPORTIONAL_BYTES: each present page divided by how often it is mapped
 */
enum upager_libs_attr {
	UPAGER_LIBS_A_UNSPEC,
	UPAGER_LIBS_A_PAD,
	UPAGER_LIBS_A_COUNT,
	UPAGER_LIBS_A_MAPPED_BYTES,
	UPAGER_LIBS_A_RESIDENT_BYTES,
	UPAGER_LIBS_A_SHARED_BYTES,
	UPAGER_LIBS_A_PRIVATE_BYTES,
	UPAGER_LIBS_A_PROPORTIONAL_BYTES,

	/* private: */
	__UPAGER_LIBS_A_MAX
};

#define UPAGER_LIBS_A_MAX (__UPAGER_LIBS_A_MAX - 1)

/**
 * enum upager_cow_attr - what is shared copy-on-write, and what became of it, all u64
 * @UPAGER_COW_A_PAD:                     alignment
 * @UPAGER_COW_A_SHARED_NOW_PAGES:        anonymous pages in private mappings, mapped more than once
 * @UPAGER_COW_A_MAYBE_SHARED_PAGES:      those that are not marked exclusive: the next write looks
 *                                        whether it must copy; includes the former
 * @UPAGER_COW_A_COPIES:                  writes that copied a page because it was shared
 * @UPAGER_COW_A_REUSES_WITHOUT_COPY:     write faults that found nobody else and copied nothing
 * @UPAGER_COW_A_ZERO_FIRST_WRITES:       writes that replaced the zero page
 * @UPAGER_COW_A_FILE_FIRST_WRITES:       writes that made a private page of a file's
 * @UPAGER_COW_A_HUGE_BREAKS:             write faults on a huge page mapped as a whole
 * @UPAGER_COW_A_FORKS:                   processes forked that share nothing but copies
 * @UPAGER_COW_A_PAGE_TABLE_BYTES_COPIED: page tables that these forks got
 * @UPAGER_COW_A_BYTES_COPIED:            of pages, by COPIES and FILE_FIRST_WRITES
 * @UPAGER_COW_A_CHILDREN:                children that were tracked; the next attributes are what
 *                                        children did, ended ones included, and theirs in turn
 * @UPAGER_COW_A_CHILDREN_COPIES:         COPIES of them
 * @UPAGER_COW_A_CHILDREN_REUSES:         REUSES_WITHOUT_COPY of them
 * @UPAGER_COW_A_CHILDREN_BYTES_COPIED:   BYTES_COPIED of them
 *
 * Counts are since tracking began, and belong to the process whose memory is written, whoever does
 * it.
 */
enum upager_cow_attr {
	UPAGER_COW_A_UNSPEC,
	UPAGER_COW_A_PAD,
	UPAGER_COW_A_SHARED_NOW_PAGES,
	UPAGER_COW_A_MAYBE_SHARED_PAGES,
	UPAGER_COW_A_COPIES,
	UPAGER_COW_A_REUSES_WITHOUT_COPY,
	UPAGER_COW_A_ZERO_FIRST_WRITES,
	UPAGER_COW_A_FILE_FIRST_WRITES,
	UPAGER_COW_A_HUGE_BREAKS,
	UPAGER_COW_A_FORKS,
	UPAGER_COW_A_PAGE_TABLE_BYTES_COPIED,
	UPAGER_COW_A_BYTES_COPIED,
	UPAGER_COW_A_CHILDREN,
	UPAGER_COW_A_CHILDREN_COPIES,
	UPAGER_COW_A_CHILDREN_REUSES,
	UPAGER_COW_A_CHILDREN_BYTES_COPIED,

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
 * track:     write a pid to track it, -pid to stop.  root.
 * processes: a header line, then one line for each tracked process.
 * query:     write a pid, read `pid`, `comm`, `tracked` (0 or 1) and the report of that process:
 *            the lines of holes, libs and cow, and of paging if it is tracked.
 *            Who may read /proc/PID/maps may ask.
 * PID/holes, PID/libs, PID/cow, PID/paging, PID/summary: of a tracked process.
 *
 * holes:  holes_count, holes_bytes, largest_hole_bytes, heap_hole_bytes, stack_hole_bytes,
 *         mapped_bytes, space_bytes, space_used_ppm; the same against the 47-bit window that every
 *         program gets unless it asks for more: window_bytes, window_mapped_bytes,
 *         window_holes_count, window_holes_bytes, window_used_ppm; then per hole: hole N,
 *         hole_start, hole_end, hole_bytes, hole_below, hole_above (names of the mappings that it
 *         lies between, "[none]" at the ends of the address space), and hole_role (heap, stack, or
 *         heap,stack) where it has one.
 * libs:   libs_count, libs_mapped_bytes, libs_resident_bytes, libs_shared_bytes,
 *         libs_private_bytes, libs_proportional_bytes; then per object: object N, object_path,
 *         object_start, object_end, text_bytes, rodata_bytes, relro_bytes, data_bytes, bss_bytes
 *         (of its program headers, in whole pages), object_mapped_bytes, object_resident_bytes,
 *         object_shared_bytes, object_private_bytes, object_proportional_bytes, object_processes
 *         (address spaces that map it), object_hole_below and object_hole_above (numbers of the
 *         holes nearest below and above it, 0 if none).
 * cow:    the attributes of enum upager_cow_attr in lower case, without UPAGER_COW_A_.
 * paging: the attributes of enum upager_paging_attr likewise, and reported_age_ms; only `version 1`
 *         and `reported 0` as long as nothing was reported.
 * summary: pid, comm, and the totals of the four.
 */

#endif /* _UAPI_UPAGER_H */
