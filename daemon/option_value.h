/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_OPTION_VALUE_H
#define UPAGER_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "swap/trouble.h"

/* Values of options, each of a kind: 0, or -errno after one line that names what it is. */
int option_set_text(char *to, size_t size, const char *what, const char *value);
int option_set_bool(bool *to, const char *what, const char *value);
int option_set_limit(uint64_t *to, const char *value);
int option_set_when_full(enum when_full *to, const char *value);
int option_set_seconds(uint64_t *to_ns, const char *what, unsigned long min, const char *value);
int option_set_count(uint32_t *to, const char *what, unsigned long min, unsigned long max,
		     const char *value);
int option_set_level(enum log_level *to, const char *value);

/* The word that the last two of a kind are set by. */
const char *option_when_full(enum when_full when_full);
const char *option_level(enum log_level level);

#endif
