/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_FRAME_H
#define UPAGER_FRAME_H

#include <linux/filter.h>
#include <stdint.h>

#include "agent/entry.h"
#include "agent/inject.h"

/* What the agent's code is started with, whoever starts it. */
struct frame {
	struct agent_start start;
	struct sock_filter insn[64];
};

/* addr: where the frame will lie in the target. */
void frame_fill(struct frame *frame, uint64_t addr);
/* The code as a file to be mapped at place->code_addr; -errno. */
int frame_code_memfd(void);
/* Address of the first instruction. */
uint64_t frame_entry(const struct inject_place *place);

#endif
