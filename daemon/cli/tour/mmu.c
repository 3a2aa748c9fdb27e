// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/types.h"
#include "cli/tour/proc.h"
#include "cli/tour/scratch.h"
#include "cli/tour/step.h"
#include "kernel/pagemap.h"

#define FRAME_MASK   ((1ULL << 55) - 1)
#define HUGE_BYTES   (2UL << 20)
#define SAMPLE_PAGES 4096UL
#define INDEX_BITS   9

/* One page at one moment. */
struct moment {
	uint64_t entry;
	struct proc_faults faults; /* that it took to get there */
};

struct seen {
	const unsigned char *page;
	struct moment before;
	struct moment read;
	uint64_t other_entry; /* of another page that was only read */
	struct moment written;
	struct moment dropped;
	struct moment file; /* cold, read from the device */
	bool has_file;
	bool has_frames; /* root is told them */
	uint64_t fault_ns; /* of one, of many */
	uint64_t huge_faults;
	uint64_t huge_bytes;
};

static int look(const unsigned char *page, struct proc_faults before, struct moment *m)
{
	struct proc_faults now = proc_faults();

	m->faults = (struct proc_faults){ now.minor - before.minor, now.major - before.major };
	return proc_entry(page, &m->entry);
}

static unsigned char *map_anonymous(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Untouched, read, written, given back. */
static int watch_page(struct seen *s)
{
	volatile unsigned char *page = map_anonymous(2 * PAGE_SIZE);
	const unsigned char *at = (const unsigned char *)page;
	struct proc_faults faults = proc_faults();
	int err;

	if (page == MAP_FAILED)
		return -errno;
	s->page = at;
	/* The first look itself faults in what it needs. */
	err = look(at, faults, &s->before);
	faults = proc_faults();
	err = err ?: look(at, faults, &s->before);
	faults = proc_faults();
	(void)page[0];
	err = err ?: look(at, faults, &s->read);
	(void)page[PAGE_SIZE];
	err = err ?: proc_entry(at + PAGE_SIZE, &s->other_entry);
	faults = proc_faults();
	page[0] = 1;
	err = err ?: look(at, faults, &s->written);
	faults = proc_faults();
	madvise((void *)at, PAGE_SIZE, MADV_DONTNEED);
	err = err ?: look(at, faults, &s->dropped);
	munmap((void *)at, 2 * PAGE_SIZE);
	s->has_frames = s->written.entry & FRAME_MASK;
	return err;
}

static int watch_file(struct seen *s)
{
	struct proc_faults faults;
	struct scratch scratch;
	volatile unsigned char *page;
	int err = scratch_file(&scratch, 16 * PAGE_SIZE);

	if (err)
		return err;
	page = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, scratch.fd, 0);
	if (page != MAP_FAILED) {
		scratch_cool(&scratch);
		faults = proc_faults();
		(void)page[0];
		err = look((const unsigned char *)page, faults, &s->file);
		s->has_file = !err && scratch.on_disk;
		munmap((void *)page, PAGE_SIZE);
	}
	scratch_end(&scratch);
	return err;
}

static int time_faults(struct seen *s)
{
	unsigned char *memory = map_anonymous(SAMPLE_PAGES * PAGE_SIZE);
	uint64_t begin_ns;

	if (memory == MAP_FAILED)
		return -errno;
	madvise(memory, SAMPLE_PAGES * PAGE_SIZE, MADV_NOHUGEPAGE);
	begin_ns = clock_ns();
	for (size_t i = 0; i < SAMPLE_PAGES; i++)
		memory[i * PAGE_SIZE] = 1;
	s->fault_ns = (clock_ns() - begin_ns) / SAMPLE_PAGES;
	munmap(memory, SAMPLE_PAGES * PAGE_SIZE);
	return 0;
}

/* All of two megabytes is touched, in which the kernel may put a page that is as large. */
static int try_huge(struct seen *s)
{
	unsigned char *memory = map_anonymous(2 * HUGE_BYTES), *at;
	struct proc_faults before;
	int err;

	if (memory == MAP_FAILED)
		return -errno;
	at = (unsigned char *)(((uintptr_t)memory + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	madvise(at, HUGE_BYTES, MADV_HUGEPAGE);
	before = proc_faults();
	for (size_t i = 0; i < HUGE_BYTES; i += PAGE_SIZE)
		at[i] = 1;
	s->huge_faults = proc_faults().minor - before.minor;
	err = proc_get(getpid(), "smaps_rollup", "AnonHugePages", &s->huge_bytes);
	munmap(memory, 2 * HUGE_BYTES);
	return err;
}

static unsigned int index_of(const void *page, int level)
{
	return (unsigned int)((uintptr_t)page >> (PAGE_SHIFT + INDEX_BITS * level)) &
	       ((1u << INDEX_BITS) - 1);
}

static void say_moment(struct tour_page *p, const char *label, const struct moment *m,
		       const char *const name[4], bool frames)
{
	const struct tour_value values[] = {
		{ name[0], (double)m->faults.minor, TOUR_COUNT },
		{ name[1], (double)m->faults.major, TOUR_COUNT },
		{ name[2], m->entry & PAGEMAP_PRESENT ? 1 : 0, TOUR_FLAG },
		{ frames && m->entry & PAGEMAP_PRESENT ? name[3] : NULL,
		  (double)(m->entry & FRAME_MASK), TOUR_COUNT },
	};

	tour_row(p, label, 4, values, TOUR_NO_BAR);
}

#define NAMES(moment)                                                                              \
	(const char *const[4])                                                                     \
	{                                                                                          \
		moment "_minor_faults", moment "_major_faults", moment "_present", moment "_frame" \
	}

static uint64_t frame(uint64_t entry)
{
	return entry & FRAME_MASK;
}

/* What the frames tell, of who may see them. */
static bool is_same_frame(const struct seen *s)
{
	return s->has_frames && frame(s->read.entry) == frame(s->other_entry);
}

static bool is_other_frame(const struct seen *s)
{
	return s->has_frames && frame(s->read.entry) != frame(s->written.entry);
}

static void say_page(struct tour_page *p, const struct seen *s)
{
	static const char *const headings[] = { "MINOR", "MAJOR", "PRESENT", "FRAME" };

	tour_table(p, "faults taken, and the entry then", 4, headings);
	say_moment(p, "mapped, untouched", &s->before, NAMES("before"), s->has_frames);
	say_moment(p, is_same_frame(s) ? "read: the page of zeros" : "read", &s->read,
		   NAMES("read"), s->has_frames);
	say_moment(p, is_other_frame(s) ? "written: a frame of its own" : "written", &s->written,
		   NAMES("written"), s->has_frames);
	say_moment(p, "given back (MADV_DONTNEED)", &s->dropped, NAMES("dropped"), s->has_frames);
	if (s->has_file)
		say_moment(p, "of a cold file, read", &s->file, NAMES("file"), s->has_frames);
}

static void say(struct tour_page *p, const struct seen *s)
{
	tour_text(
		p,
		"The MMU takes an address apart: four times nine bits are indices in page tables, "
		"one below the other, and twelve are the byte in the page. Where the last entry is "
		"not present it faults, and the kernel finds out what belongs there: a minor fault "
		"needs no device, a major one waits for it.");
	tour_text(p, "%#lx = table %u, %u, %u, entry %u, byte 0", (unsigned long)s->page,
		  index_of(s->page, 3), index_of(s->page, 2), index_of(s->page, 1),
		  index_of(s->page, 0));
	say_page(p, s);
	if (s->has_frames) {
		tour_table(p, "", 0, NULL);
		tour_value(p, "zeros_frame", (double)frame(s->other_entry), TOUR_COUNT,
			   is_same_frame(s) ? "another page, only read: the same frame"
					    : "another page, only read: its frame");
	}
	tour_table(p, "many pages", 0, NULL);
	tour_value(p, "fault_ns", (double)s->fault_ns, TOUR_NS, "a first write, on average");
	tour_value(p, "huge_faults", (double)s->huge_faults, TOUR_COUNT,
		   "faults to write 512 pages, MADV_HUGEPAGE");
	tour_value(p, "huge_bytes", (double)s->huge_bytes, TOUR_BYTES,
		   "huge pages then (AnonHugePages)");
	tour_text(p, "One entry a level higher maps 2M at once: one fault instead of 512, if a "
		     "frame of that size is free and the kernel may use it.");
	tour_command(p, "grep -E '^pg(maj)?fault' /proc/vmstat");
	tour_command(p, "sed -n 's/^[^)]*) //p' /proc/$$/stat | cut -d' ' -f8,10  # minor, major");
	tour_command(p, "i=$((0x$(head -c9 /proc/$$/maps)))  # number of a page");
	tour_command(p, "dd if=/proc/$$/pagemap bs=8 count=1 skip=$i 2>/dev/null | od -tx8");
	if (!s->has_frames)
		tour_more(p, "Root would see the numbers of the frames: the kernel shows others "
			     "only what is present.");
	if (!s->has_file)
		tour_more(p, "With TMPDIR on a disk there would be a page of a cold file, which "
			     "takes a major fault.");
}

int tour_mmu(struct tour_page *p)
{
	struct seen seen = { 0 };
	int err = watch_page(&seen) ?: watch_file(&seen) ?: time_faults(&seen) ?: try_huge(&seen);

	if (!err)
		say(p, &seen);
	return err;
}
