// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include "compat.h"
#include "places.h"

/* Mappings without a name are told apart by this: as the C library places its arenas. */
#define ANON_SPAN SZ_64M

/* A file by its inode, whatever is mapped of it: not zero, and odd only for what is no file. */
static unsigned long key_of(struct vm_area_struct *vma, unsigned long addr)
{
	if (vma->vm_file)
		return (unsigned long)file_inode(vma->vm_file);
	if (compat_vma_is_heap(vma))
		return 1;
	if (compat_vma_is_stack(vma))
		return 3;
	return (addr & ~(ANON_SPAN - 1)) | 5;
}

/* A name that is changed meanwhile is freed by RCU, and its end is looked for byte by byte. */
static void name(struct place *place, struct vm_area_struct *vma, unsigned long key)
{
	static const char *const names[] = { [1] = "[heap]", [3] = "[stack]", [5] = "[anon]" };
	const unsigned char *from;
	int i;

	if (!vma->vm_file) {
		strscpy(place->name, names[key % ANON_SPAN], PLACES_NAME);
		return;
	}
	/* With a rename, which writes a name before it shows it. */
	from = smp_load_acquire(&vma->vm_file->f_path.dentry->d_name.name);
	for (i = 0; i < PLACES_NAME - 1 && from[i]; i++)
		place->name[i] = from[i];
}

void places_count(struct places *places, struct vm_area_struct *vma, unsigned long addr, u64 bytes)
{
	unsigned long key = key_of(vma, addr);
	struct place *place = places->place;
	long old;

	for (; place < places->place + PLACES_MAX; place++) {
		old = atomic_long_read(&place->key);
		if (!old) {
			old = atomic_long_cmpxchg(&place->key, 0, key);
			if (!old) {
				place->start = vma->vm_start;
				name(place, vma, key);
				break;
			}
		}
		if (old == key)
			break;
	}
	atomic64_inc(&place->copies);
	atomic64_add(bytes, &place->bytes);
}

void places_show(struct seq_file *m, struct places *places)
{
	unsigned int i, number = 0;

	for (i = 0; i <= PLACES_MAX; i++) {
		struct place *place = &places->place[i];

		if (!atomic64_read(&place->copies))
			continue;
		seq_printf(m, "place %u\nplace_name ", ++number);
		seq_escape(m, i < PLACES_MAX ? place->name : "[others]", "\n\\");
		if (place->start)
			seq_printf(m, "\nplace_start 0x%lx", place->start);
		seq_printf(m, "\nplace_copies %lld\nplace_bytes %lld\n",
			   atomic64_read(&place->copies), atomic64_read(&place->bytes));
	}
}
