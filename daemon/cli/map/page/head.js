// SPDX-License-Identifier: GPL-2.0-only
/* Head. */

function drawBars() {
	const rows = [["reserved", map.totals.reserved_bytes, (r) => r.count],
		["resident", map.totals.resident_bytes, (r) => sum(r.pages, IN_MEMORY)],
		["swapped", map.totals.swapped_bytes, (r) => sum(r.pages, SWAPPED)]];
	const oneScale = map.totals.resident_bytes * 50 > map.totals.reserved_bytes;

	for (const [name, bytes, pagesOf] of rows) {
		const bar = make("div", {class: "bar"});
		const scale = oneScale ? map.totals.reserved_bytes : bytes;
		const byKind = {};

		for (const r of map.regions)
			byKind[r.kind] = (byKind[r.kind] || 0) + pagesOf(r) * PAGE;
		for (const kind of Object.keys(kinds))
			if (byKind[kind]) {
				const part = make("i", {style: {...colour(kind),
					width: 100 * byKind[kind] / scale + "%"}});

				part.tip = () => [make("b", {}, kinds[kind]),
					`${size(byKind[kind])} ${name}`];
				bar.append(part);
			}
		$("bars").append(make("span", {}, name), make("b", {}, size(bytes)), bar);
	}
	if (!oneScale)
		$("scale").textContent = "Each bar to a scale of its own.";
}

function drawHead() {
	const totals = map.totals;
	const about = [plural(map.regions.length, "mapping", "mappings"),
		`largest free block ${size(totals.largest_hole_bytes)}`,
		new Date(map.taken_s * 1000).toISOString().slice(0, 19).replace("T", " ") + " UTC"];

	$("name").textContent = `${map.comm} (${map.pid})`;
	if (totals.standby_bytes)
		about.splice(2, 0, `${size(totals.standby_bytes)} on standby in upager`);
	if (map.cow_shared_pages)
		about.splice(2, 0, `${size(map.cow_shared_pages * PAGE)} shared copy-on-write`);
	$("about").textContent = about.join(" · ");
	$("missing").textContent = map.missing;
	drawBars();
}

/* Types: each filters the map. */

let chosen = null;

function sumsByType() {
	const types = new Map();

	for (const kind of Object.keys(kinds))
		for (const segment of ["", ...Object.keys(segments)])
			for (const r of map.regions)
				if (r.kind === kind && r.segment === segment) {
					const name = label(kind, segment);
					const t = types.get(name) || {kind, segment, count: 0, pages: {}};

					t.count += r.count;
					addPages(t.pages, r.pages);
					types.set(name, t);
				}
	return types;
}

const columns = [
	["reserved", (t) => t.count, ""],
	["resident", (t) => sum(t.pages, IN_MEMORY), ""],
	["forked", (t) => t.pages.forked || 0, "wide"],
	["out", (t) => sum(t.pages, [...SWAPPED, "standby"]), ""],
	["untouched", (t) => t.pages.untouched || 0, "wide"],
];

function typeRow(name, t) {
	const row = make("tr", {}, make("td", {}, name));

	for (const [, pagesOf, style] of columns)
		row.append(make("td", {class: style}, pagesOf(t) ? size(pagesOf(t) * PAGE) : "–"));
	return row;
}

function choose(type) {
	chosen = chosen && type && chosen.kind === type.kind && chosen.segment === type.segment ?
		null : type;
	$("all").hidden = !chosen;
	for (const row of $("summary").tBodies[0].rows)
		row.setAttribute("aria-pressed", chosen === row.type);
	drawRows();
}

function onEnter(event, action) {
	if (event.key === "Enter" || event.key === " ") {
		event.preventDefault();
		action();
	}
}

function drawTypes() {
	const body = make("tbody"), all = {count: 0, pages: {}};
	const head = make("tr", {}, make("th", {scope: "col"}, "type"));

	for (const [name, , style] of columns)
		head.append(make("th", {scope: "col", class: style}, name));
	for (const [name, type] of sumsByType()) {
		const row = typeRow(name, type);

		row.cells[0].prepend(make("span", {class: "key", style: colour(type.kind)}));
		row.type = type;
		row.tabIndex = 0;
		row.setAttribute("role", "button");
		row.setAttribute("aria-pressed", "false");
		row.setAttribute("aria-label", `show ${name} only`);
		row.addEventListener("click", () => choose(type));
		row.addEventListener("keydown", (event) => onEnter(event, () => choose(type)));
		row.tip = () => [make("b", {}, name), statesTable(type.pages)];
		body.append(row);
		all.count += type.count;
		addPages(all.pages, type.pages);
	}
	$("summary").append(make("thead", {}, head), body, make("tfoot", {}, typeRow("all", all)));
	$("all").addEventListener("click", () => choose(null));
	for (const [key, name] of Object.entries(states))
		if (all.pages[key])
			$("legend").append(make("li", {}, make("i", {class: key}), name));
}
