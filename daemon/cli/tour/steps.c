// SPDX-License-Identifier: GPL-2.0-only
#include "cli/tour/step.h"

#include <stddef.h>

const struct tour_step tour_steps[] = {
	{ "holes", "Sparse address spaces, and the tables that they take", tour_holes },
	{ "grow", "Heap and stack grow, and take memory page by page", tour_grow },
	{ "libs", "System libraries in the holes, shared by everybody", tour_libs },
	{ "fork", "Pages shared by fork() until somebody writes", tour_fork },
	{ "demand", "Demand paging, and more programs at once", tour_demand },
	{ "mmu", "One page's way from touch to fault to frame", tour_mmu },
	{ "pager", "A page goes out to the swap area and comes back", tour_pager },
	{ "larger", "A program that is larger than the memory that it gets", tour_larger },
	{ NULL, NULL, NULL },
};
