// SPDX-License-Identifier: GPL-2.0-only
/* One region. */

function fact(list, name, value) {
	if (value)
		list.append(make("dt", {}, name), make("dd", {}, value));
}

function drawCell(cell) {
	const element = make("div", {class: "cell", tabindex: "-1", role: "img"});
	let bottom = 0;

	for (const state of Object.keys(states)) {
		const height = 100 * (cell.pages[state] || 0) / (cell.to - cell.from);

		if (!height || state === "untouched")
			continue;
		element.append(make("i", {class: state,
			style: {bottom: bottom + "%", height: height + "%"}}));
		bottom += height;
	}
	element.tip = () => [cellTip(cell)];
	element.setAttribute("aria-label", cellTip(cell).textContent);
	return element;
}

function walkCells(event) {
	const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -16, ArrowDown: 16}[event.key];
	const cells = [...event.currentTarget.children];
	const next = cells[cells.indexOf(document.activeElement) + step];

	if (step)
		event.preventDefault();
	if (next)
		next.focus();
}

function openRow(row) {
	const block = row.block, list = make("dl");
	const region = block && block.regions[0];

	for (const other of document.querySelectorAll(".row[aria-current]"))
		other.removeAttribute("aria-current");
	$("detail").hidden = !block;
	if (!block)
		return;
	row.setAttribute("aria-current", "true");
	$("detail").style.setProperty("--k", `var(--${block.kind})`);
	$("detail-name").textContent = block.title;
	fact(list, "type", label(block.kind, block.segment));
	fact(list, "addresses", `${addressOf(block.first)}–${addressOf(block.first + block.count)}`);
	fact(list, "size", `${size(block.count * PAGE)} in ` +
		plural(block.regions.length, "mapping", "mappings"));
	fact(list, "access", block.regions.map((r) => r.permissions).join(" "));
	fact(list, "file", block.object === undefined ? region.name : map.objects[block.object].path);
	fact(list, "mapped by", usersOf(block));
	fact(list, "share of it", size(block.regions.reduce((n, r) => n + r.proportional_bytes, 0)));
	fact(list, "locked", block.locked ? size(block.locked) : "");
	const grid = make("div", {class: "grid", role: "group", "aria-label": "pages"},
		...block.cells.map(drawCell));
	if (grid.firstElementChild)
		grid.firstElementChild.tabIndex = 0;
	grid.addEventListener("keydown", walkCells);
	$("detail-body").replaceChildren(list, statesTable(block.pages), grid);
}
