// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ctype.h>
#include <linux/seq_file.h>
#include "figures.h"

static const char *const names[NR_FIGURES] = {
#define X(figure) #figure,
	FIGURES(X)
#undef X
};

void figures_show(struct seq_file *m, const struct figures *figures)
{
	unsigned int figure;
	const char *c;

	for_each_set_bit(figure, figures->known, NR_FIGURES) {
		for (c = names[figure]; *c; c++)
			seq_putc(m, tolower(*c));
		seq_printf(m, " %llu\n", figures->values[figure]);
	}
}
