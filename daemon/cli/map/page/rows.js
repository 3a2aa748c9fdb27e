// SPDX-License-Identifier: GPL-2.0-only
/* The address space. */

let level = 1;
const pixels = ([least, each], pages) => Math.round(least + each * Math.log2(Math.max(pages, 1)));

/* Equal neighbours are one piece; of a mixed cell each state has its height. */
function drawStrip(block) {
	const strip = make("div", {class: "strip"});
	let run = null;

	const flush = () => {
		if (run)
			strip.append(make("i", {class: run.state, style: {left: run.left + "%",
				width: run.width + "%", top: "0", bottom: "0"}}));
		run = null;
	};
	for (const cell of block.cells) {
		const left = 100 * (cell.region.first - block.first + cell.from) / block.count;
		const width = 100 * (cell.to - cell.from) / block.count;
		const found = Object.keys(states).filter((key) => cell.pages[key]);
		let bottom = 0;

		if (found.length === 1 && run && run.state === found[0]) {
			run.width = left + width - run.left;
			continue;
		}
		flush();
		if (found.length === 1) {
			run = {state: found[0], left, width};
			continue;
		}
		for (const state of found.filter((key) => key !== "untouched")) {
			const height = 100 * cell.pages[state] / (cell.to - cell.from);

			strip.append(make("i", {class: state, style: {left: left + "%", width: width + "%",
				bottom: bottom + "%", height: `max(2px, ${height}%)`}}));
			bottom += height;
		}
	}
	flush();
	return strip;
}

function blockTip(block, cell) {
	const users = usersOf(block), parts = [];

	parts.push(make("b", {}, block.title + (block.segment ? ` · ${segments[block.segment]}` : "")),
		`${addressOf(block.first)}–${addressOf(block.first + block.count)}`,
		make("br"), `${size(block.count * PAGE)} reserved`, users ? `, ${users} map it` : "",
		block.locked ? `, ${size(block.locked)} locked` : "", statesTable(block.pages));
	if (cell && block.cells.length > 1)
		parts.push(make("b", {}, "here"), cellTip(cell));
	return parts;
}

function cellTip(cell) {
	const first = cell.region.first + cell.from;

	return make("div", {}, `${addressOf(first)}, ${plural(cell.to - cell.from, "page", "pages")}`,
		statesTable(cell.pages));
}

function mappedRow(block, isPart) {
	const strip = drawStrip(block), users = usersOf(block);
	const resident = sum(block.pages, IN_MEMORY) * PAGE;
	const title = block.title + (block.segment && isPart ? ` · ${segments[block.segment]}` : "");
	const out = sum(block.pages, [...SWAPPED, "standby"]) * PAGE;
	const numbers = [size(block.count * PAGE), `${size(resident)} resident`,
		out ? `${size(out)} out` : "", users,
		block.locked ? "locked" : ""].filter(Boolean);
	const row = make("div", {class: "row mapped" + (isPart ? " part" : ""), role: "listitem",
		tabindex: "-1", style: colour(block.kind), "aria-label": `${title}, ${numbers.join(", ")}`},
		make("span", {class: "address"}, addressOf(block.first)),
		make("div", {class: "box"}, make("div", {class: "label"},
			make("span", {class: "title"}, title),
			make("span", {class: "numbers"}, ...numbers.map((text) => make("span", {}, text)))), strip));

	strip.style.height = pixels(STRIP_PX[level], block.count) + "px";
	row.block = block;
	row.weight = 8 + Math.log2(block.count);
	row.tip = (event) => {
		const box = strip.getBoundingClientRect();
		const page = event && event.clientX >= box.left && event.clientX < box.right ?
			block.first + block.count * (event.clientX - box.left) / box.width : -1;

		return blockTip(block, block.cells.find((cell) => page >= cell.region.first + cell.from &&
			page < cell.region.first + cell.to));
	};
	return row;
}

function holeRow(item) {
	const first = pageOf(item.start), count = pageOf(item.end) - first;
	const roles = [item.for_stack ? "the stack grows down into it" : "",
		item.for_heap ? "the heap grows up into it" : ""].filter(Boolean);
	const text = `${size(count * PAGE)} free` + (roles.length ? `: ${roles.join(", ")}` : "");
	const row = make("div", {class: "row hole", role: "listitem", tabindex: "-1", "aria-label": text},
		make("span", {class: "address"}, addressOf(first)),
		make("div", {class: "box"}, make("span", {}, text)));

	row.style.height = pixels(HOLE_PX[level], count) + "px";
	row.weight = 4 + Math.log2(count);
	row.tip = () => [make("b", {}, text), `${addressOf(first)}–${addressOf(first + count)}`];
	return row;
}

const isChosen = (r) => !chosen || (r.kind === chosen.kind && r.segment === chosen.segment);

function rowsOf(item) {
	const list = [];

	if (!item.count)
		return chosen ? [] : [holeRow(item)];
	if (LEVELS[level] !== "by mapping" && !chosen)
		return [mappedRow(blockOf(item.first, item.count, item), false)];
	for (let i = item.first + item.count - 1; i >= item.first; i--)
		if (isChosen(map.regions[i]))
			list.push(mappedRow(blockOf(i, 1, {...item, kind: map.regions[i].kind}),
				item.count > 1));
	for (const row of list)
		row.classList.remove("part");
	return list;
}

function drawRows() {
	const rows = $("rows");

	hideTip();
	rows.replaceChildren(...items.flatMap(rowsOf));
	rows.className = level ? "" : "compact";
	$("level").textContent = LEVELS[level];
	$("out").disabled = !level;
	$("in").disabled = level === LEVELS.length - 1;
	if (rows.firstElementChild)
		rows.firstElementChild.tabIndex = 0;
	drawOverview();
}

/* All of it at once, beside what is on the screen. */
function drawOverview() {
	const rows = [...$("rows").children];
	const all = rows.reduce((weight, row) => weight + row.weight, 0);
	let at = 0;

	$("overview").replaceChildren();
	for (const row of rows) {
		if (row.block)
			$("overview").append(make("i", {style: {...colour(row.block.kind),
				top: 100 * at / all + "%", height: 100 * row.weight / all + "%"}}));
		row.at = at / all;
		at += row.weight;
		row.end = at / all;
	}
	$("overview").append(make("div", {id: "view"}));
	drawView();
}

function drawView() {
	const seen = [...$("rows").children].filter((row) => {
		const box = row.getBoundingClientRect();

		return box.bottom > 0 && box.top < innerHeight;
	});

	if (!seen.length || !$("view"))
		return;
	$("view").style.top = 100 * seen[0].at + "%";
	$("view").style.height = 100 * (seen[seen.length - 1].end - seen[0].at) + "%";
}

/* What is on top of the screen stays there. */
function zoom(by) {
	const to = Math.min(Math.max(level + by, 0), LEVELS.length - 1);
	const top = [...$("rows").children].find((row) => row.getBoundingClientRect().bottom > 60);
	const address = top ? top.querySelector(".address").textContent : "";

	if (to === level)
		return;
	level = to;
	drawRows();
	const same = [...$("rows").children].find((row) =>
		row.querySelector(".address").textContent === address);
	if (same && scrollY > 0)
		same.scrollIntoView({block: "start"});
}
