/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_PAGE_H
#define UPAGER_MAP_PAGE_H

/* The files of page/, as they are. */
extern const char map_page_frame[], map_page_style[], map_page_script[];

#endif
