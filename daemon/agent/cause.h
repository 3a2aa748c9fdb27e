/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CAUSE_H
#define UPAGER_CAUSE_H

/* Fills a caller's INJECT_CAUSE_BYTES and hands @err through, for `return cause_set(...)`. */
__attribute__((format(printf, 3, 4))) int cause_set(char *cause, int err, const char *fmt, ...);

#endif
