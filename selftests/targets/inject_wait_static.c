// SPDX-License-Identifier: GPL-2.0-only
/* The same, linked statically. */
#include "inject_wait.c"
