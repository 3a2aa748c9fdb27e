/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PROBE_H
#define UPAGER_PROBE_H

/*
 * Places that bpftrace, perf and gdb find by name (USDT): an instruction that does nothing, until one of
 * them puts itself there.  upagerd(8) has the list, which is a contract.  Without <sys/sdt.h>
 * (systemtap-sdt-dev) there are none.
 */
#define PROBE_1(name, a)       ((void)(a))
#define PROBE_3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#ifndef __CHECKER__ /* sparse, which does not know the next line */
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#undef PROBE_1
#undef PROBE_3
#define PROBE_1(name, a)       DTRACE_PROBE1(upagerd, name, a)
#define PROBE_3(name, a, b, c) DTRACE_PROBE3(upagerd, name, a, b, c)
#endif
#endif

#endif
