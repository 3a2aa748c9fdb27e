/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_MAP_XML_H
#define UPAGER_MAP_XML_H

#include <stdio.h>

/* A text that is anybody's, in XML or HTML: what is no UTF-8, or no character there, becomes '?'. */
void map_xml_text(FILE *f, const char *text);

#endif
