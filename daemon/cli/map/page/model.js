// SPDX-License-Identifier: GPL-2.0-only
"use strict";
const {map, items, kinds, segments, states} = JSON.parse(document.getElementById("data").textContent);
const PAGE = map.page_bytes;
const IN_MEMORY = ["private", "forked", "shared"];
const SWAPPED = ["swapped", "kernel_swapped"];
const LEVELS = ["compact", "normal", "large", "by mapping"];
const STRIP_PX = [[10, 0], [9, 0.9], [18, 1.8], [18, 1.8]];
const HOLE_PX = [[18, 0.4], [18, 2.2], [20, 3.4], [20, 3.4]];
const $ = (id) => document.getElementById(id);

/* Elements: children are text or elements, never markup. */
function make(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes))
		if (name === "style")
			for (const [key, v] of Object.entries(value))
				element.style.setProperty(key, v);
		else
			element.setAttribute(name, value);
	element.append(...children);
	return element;
}

/* As size_format() of the command. */
function size(bytes) {
	let unit = 0;

	if (bytes < 1024)
		return bytes ? bytes + "B" : "0";
	while (bytes >= 1023.95 && unit < 4) {
		bytes /= 1024;
		unit++;
	}
	return bytes.toFixed(1) + "BKMGT"[unit];
}

/* Addresses need more bits than a number has: they are counted in pages. */
const pageOf = (address) => parseInt(address.slice(2, -3) || "0", 16);
const addressOf = (page) => page ? page.toString(16) + "000" : "0";
const colour = (kind) => ({"--k": `var(--${kind})`});
const sum = (pages, keys) => keys.reduce((all, key) => all + (pages[key] || 0), 0);
const label = (kind, segment) => kinds[kind] + (segment ? " " + segments[segment] : "");
const plural = (n, word, many) => `${n} ${n === 1 ? word : many}`;

for (const r of map.regions) {
	r.first = pageOf(r.start);
	r.count = r.bytes / PAGE;
	r.segment = r.segment || "";
}

function addPages(to, from) {
	for (const [key, n] of Object.entries(from))
		to[key] = (to[key] || 0) + n;
	return to;
}

/* The cells of a region: pages from, to, counted from its first, and how many in each state. */
function cellsOf(region) {
	const count = region.cells ? region.cells.count : 1;
	const list = [];

	for (let i = 0; i < count; i++) {
		const pages = {};

		for (const state of Object.keys(states))
			if (!region.cells)
				pages[state] = region.pages[state] || 0;
			else if (region.cells[state] && region.cells[state][i])
				pages[state] = region.cells[state][i];
		list.push({region, from: Math.floor(region.count * i / count),
			to: Math.floor(region.count * (i + 1) / count), pages});
	}
	return list;
}

/* What is drawn as one: an item of the layout, or one mapping of it. */
function blockOf(first, count, item) {
	const regions = map.regions.slice(first, first + count);
	const block = {regions, first: regions[0].first, count: 0, pages: {}, locked: 0,
		kind: item.kind, title: item.title, segment: count === 1 ? regions[0].segment : "",
		object: regions[0].object};

	for (const r of regions) {
		block.count += r.count;
		block.locked += r.locked_bytes || 0;
		addPages(block.pages, r.pages);
	}
	block.cells = regions.flatMap(cellsOf);
	return block;
}

function usersOf(block) {
	const object = block.object === undefined ? null : map.objects[block.object];

	return object && object.processes ? plural(object.processes, "process", "processes") : "";
}

/* A table of the states of some pages. */
function statesTable(pages) {
	const body = make("tbody");

	for (const [key, name] of Object.entries(states))
		if (pages[key])
			body.append(make("tr", {}, make("td", {}, name),
				make("td", {}, size(pages[key] * PAGE))));
	return make("table", {}, body);
}
