// SPDX-License-Identifier: GPL-2.0-only
/* The same, linked statically. */
#include "attach_worker.c"
