/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SIZE_H
#define UPAGER_SIZE_H

#include <stddef.h>
#include <stdint.h>

#define SIZE_TEXT_BYTES 16 /* enough for any formatted size */

/*
 * size_parse() - "4096", "64K", "1.5G": bytes, or K, M, G, T in powers of 1024
 * Takes what size_format() gives.  -EINVAL not a size, -ERANGE 2^64 bytes or more.
 */
int size_parse(const char *text, uint64_t *bytes);

/* One decimal and the largest unit that keeps the number >= 1: "64.0M", "512B". */
void size_format(uint64_t bytes, char *buf, size_t len);

#endif
