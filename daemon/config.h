/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CONFIG_H
#define UPAGER_CONFIG_H

#include <stdbool.h>

#define CONFIG_DEFAULT "/etc/upager/upagerd.conf"

/* A key with its value; 0, or -errno after one line, which names the place by itself. */
typedef int config_fn(void *context, const char *name, const char *value);

/*
 * The section [upagerd] of a file, and then of what ends in .conf in the folder FILE.d, in the order
 * of names: a later value wins.  must_exist: of the file, the folder need not.  0, or -errno after one
 * line.
 */
int config_read(const char *path, bool must_exist, config_fn *fn, void *context);

#endif
