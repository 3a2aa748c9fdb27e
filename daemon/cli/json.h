/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_JSON_H
#define UPAGER_JSON_H

#include <jansson.h>
#include <stdint.h>

/* Text that need not be UTF-8 (a program's name): other bytes become U+FFFD. */
json_t *json_text(const char *text);

/* JSON's integers are signed here: what does not fit is the largest there is. */
json_t *json_count(uint64_t count);

/* Prints the object on stdout and frees it.  0 or -errno. */
int json_print(json_t *root);

#endif
