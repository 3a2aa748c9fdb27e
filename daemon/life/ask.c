// SPDX-License-Identifier: GPL-2.0-only
#include "life/ask.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "kernel/present.h"
#include "kernel/vma.h"

struct stack {
	uint64_t start;
	uint64_t end; /* 0: none seen */
	bool registered;
};

static uint64_t bytes_of(const struct stack *stack)
{
	return stack->end - stack->start;
}

static bool see_stack(void *context, const struct vma *v)
{
	struct stack *stack = context;

	if (!v->stack)
		return true;
	*stack = (struct stack){ v->start, v->end, v->uffd_missing };
	return false;
}

static struct stack find_stack(const struct proc *p)
{
	int fd = proc_open_file(p, "maps", O_RDONLY);
	struct stack stack = { 0 };
	struct vma v;

	if (fd < 0)
		return stack;
	if (!vma_find(fd, proc_stack_addr(p), &v) && v.stack)
		see_stack(&stack, &v);
	else
		vma_for_each(fd, see_stack, &stack);
	close(fd);
	return stack;
}

/* Protects a page and lets it go again: the scan of the child's own page follows. */
static bool follows(int uffd, int pagemap_fd, pgno_t n)
{
	struct run page = { n, 1 };
	bool protected;

	if (uffd_write_protect(uffd, page, true))
		return false;
	protected = !present_written(pagemap_fd, n);
	uffd_write_protect(uffd, page, false);
	return protected && present_written(pagemap_fd, n);
}

/*
 * For asynchronous write protection, of which nothing is to be protected:
 * PAGEMAP_SCAN shows it.  What is registered there already, memory of another
 * process than this one or a stack that was being asked for when it was forked,
 * stays so, and is never without what it is registered for; what was added to
 * that cannot be taken away, so the beginning has to tell.
 */
static bool ask_by_scan(int uffd, const struct proc *p, const struct stack *stack)
{
	bool is_free = uffd_is_free(uffd, stack->start, bytes_of(stack));
	int fd = proc_open_file(p, "pagemap", O_RDONLY);
	pgno_t page =
		addr_pgno(stack->end - PAGE_SIZE); /* the environment: there, hardly written */
	bool is_child = false;

	if (fd < 0)
		return false;
	/* While an event is unread nothing is told of what is registered. */
	if (uffd_has_unread(uffd)) {
		close(fd);
		return false;
	}
	if (present_wp_async(fd, page)) {
		is_child = !is_free && follows(uffd, fd, page);
	} else if (is_free && !uffd_register_wp(uffd, stack->start, bytes_of(stack))) {
		is_child = !failpoint(FP_CHILD_ASKED) && present_wp_async(fd, page);
		uffd_unregister(uffd, stack->start, bytes_of(stack));
		is_child &= !present_wp_async(fd, page);
	} else if (!is_free && !uffd_register(uffd, stack->start, bytes_of(stack), true)) {
		is_child = !failpoint(FP_CHILD_ASKED) && present_wp_async(fd, page);
	}
	close(fd);
	return is_child;
}

static struct stack look_closely(const struct proc *p)
{
	int fd = proc_open_file(p, "smaps", O_RDONLY);
	struct stack stack = { 0 };

	if (fd < 0)
		return stack;
	vma_for_each_detailed(fd, see_stack, &stack);
	close(fd);
	return stack;
}

/*
 * Its parent was asked in this way when it was forked, and its stack stayed
 * registered.  Unregistered again it tells the same.
 */
static bool is_child_of_asked(int uffd, const struct proc *p, const struct stack *stack)
{
	struct stack with = look_closely(p), without;

	if (!with.registered || uffd_unregister(uffd, stack->start, bytes_of(stack)))
		return false;
	without = look_closely(p);
	if (without.end && !without.registered)
		return true;
	/* Another's. What was registered at this place of the child must stay so. */
	uffd_register(uffd, stack->start, bytes_of(stack), false);
	return false;
}

/*
 * A fault there meanwhile is served as any first touch.  Where another process
 * has its stack the child may have memory that is paged, which must stay
 * registered.
 */
static bool ask_by_smaps(int uffd, const struct proc *p, const struct stack *stack)
{
	struct stack with, without;
	int err;

	if (!uffd_is_free(uffd, stack->start, bytes_of(stack)))
		return is_child_of_asked(uffd, p, stack);
	if (uffd_register(uffd, stack->start, bytes_of(stack), false))
		return false;
	err = failpoint(FP_CHILD_ASKED);
	with = look_closely(p);
	uffd_unregister(uffd, stack->start, bytes_of(stack));
	if (err || !with.registered)
		return false;
	without = look_closely(p);
	return without.end && !without.registered;
}

/* If the daemon dies before it is unregistered again, the next one does that. */
static void record_asked(const struct pager *pg, const struct space *sp, const struct stack *stack)
{
	struct space_record *rec = &pg->state.records[sp->id];

	if (!uffd_is_free(sp->uffd, stack->start, bytes_of(stack)))
		return;
	rec->asked_addr = stack->start;
	rec->asked_bytes = bytes_of(stack);
}

static bool ask(const struct pager *pg, int uffd, const struct proc *p, const struct stack *stack)
{
	bool is_child =
		pg->caps.wp_async ? ask_by_scan(uffd, p, stack) : ask_by_smaps(uffd, p, stack);

	if (is_child) /* from before its birth it may be */
		uffd_unregister(uffd, stack->start, bytes_of(stack));
	return is_child;
}

bool ask_is_child(const struct pager *pg, const struct space *sp, const struct proc *p)
{
	struct stack stack = find_stack(p);
	bool is_child;

	if (!stack.end)
		return false;
	record_asked(pg, sp, &stack);
	is_child = ask(pg, sp->uffd, p, &stack);
	pg->state.records[sp->id].asked_bytes = 0;
	return is_child;
}

bool ask_has_uffd(const struct pager *pg, int uffd, const struct proc *p)
{
	struct stack stack = find_stack(p);

	return stack.end && ask(pg, uffd, p, &stack);
}
