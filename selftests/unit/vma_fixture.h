/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_VMA_FIXTURE_H
#define UPAGER_SELFTESTS_VMA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/types.h"
#include "kernel/vma.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA	     0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

#define VMAS_MAX 8192

struct found {
	struct vma v[VMAS_MAX];
	uint32_t nr;
	uint32_t stop_after; /* 0: never */
};

static struct found found;

static inline bool collect(void *context, const struct vma *v)
{
	struct found *f = context;

	assert_true(f->nr < VMAS_MAX);
	f->v[f->nr++] = *v;
	return f->nr != f->stop_after;
}

#endif
