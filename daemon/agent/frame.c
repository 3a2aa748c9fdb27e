// SPDX-License-Identifier: GPL-2.0-only
#include "agent/frame.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/filter.h"
#include "agent/place.h"
#include "base/types.h"

void frame_fill(struct frame *frame, uint64_t addr)
{
	unsigned short nr_insns;
	const struct sock_filter *insn = filter_of_agent(&nr_insns);

	*frame = (struct frame){ .start = { .name = PLACE_CODE_NAME, .root = "/" } };
	assert(nr_insns <= ARRAY_SIZE(frame->insn));
	memcpy(frame->insn, insn, nr_insns * sizeof(*insn));
	frame->start.filter = (struct sock_fprog){
		.len = nr_insns,
		.filter = (void *)(uintptr_t)(addr + offsetof(struct frame, insn)),
	};
}

int frame_code_memfd(void)
{
	size_t bytes = (size_t)(__stop_upager_agent - __start_upager_agent);
	int fd = memfd_create(PLACE_CODE_NAME, MFD_CLOEXEC);
	int err;

	if (fd >= 0 && pwrite(fd, __start_upager_agent, bytes, 0) == (ssize_t)bytes)
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

uint64_t frame_entry(const struct inject_place *place)
{
	return place->code_addr + (uint64_t)((const char *)agent_entry - __start_upager_agent);
}
