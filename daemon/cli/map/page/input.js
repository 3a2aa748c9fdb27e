// SPDX-License-Identifier: GPL-2.0-only
/* Hover and focus tell the same. */

function hideTip() {
	$("tip").hidden = true;
}

function showTip(target, x, y, event) {
	const tip = $("tip");

	tip.replaceChildren(...target.tip(event));
	tip.hidden = false;
	const box = tip.getBoundingClientRect();
	tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
	tip.style.top = (y + 18 + box.height < innerHeight ? y + 18 :
		Math.max(4, y - box.height - 12)) + "px";
}

function tipped(element) {
	while (element && !element.tip)
		element = element.parentElement;
	return element;
}

document.addEventListener("mousemove", (event) => {
	const target = tipped(event.target);

	if (target)
		showTip(target, event.clientX, event.clientY, event);
	else
		hideTip();
});
document.addEventListener("mouseleave", hideTip);
document.addEventListener("focusin", (event) => {
	const target = tipped(event.target);

	hideTip();
	if (target && event.target.matches(":focus-visible")) {
		const box = event.target.getBoundingClientRect();

		showTip(target, box.left + Math.min(box.width / 2, 240), box.bottom - 10, null);
	}
});

function walkRows(key, row) {
	const rows = [...$("rows").children], at = rows.indexOf(row);
	const next = {ArrowUp: at - 1, ArrowDown: at + 1, PageUp: at - 10, PageDown: at + 10,
		Home: 0, End: rows.length - 1}[key];

	if (next === undefined)
		return false;
	row.tabIndex = -1;
	const to = rows[Math.min(Math.max(next, 0), rows.length - 1)];
	to.tabIndex = 0;
	to.focus();
	return true;
}

$("rows").addEventListener("keydown", (event) => {
	const row = event.target.closest(".row");

	if (row && walkRows(event.key, row))
		event.preventDefault();
	else if (row)
		onEnter(event, () => openRow(row));
});
$("rows").addEventListener("click", (event) => {
	const row = event.target.closest(".row");

	if (row)
		openRow(row);
});
document.addEventListener("keydown", (event) => {
	if (event.ctrlKey || event.metaKey || event.altKey)
		return;
	if (event.key === "+" || event.key === "=")
		zoom(1);
	else if (event.key === "-")
		zoom(-1);
	else if (event.key === "0")
		zoom(1 - level);
	else if (event.key === "Escape")
		openRow({});
});
$("rows").addEventListener("wheel", (event) => {
	if (!event.ctrlKey)
		return;
	event.preventDefault();
	zoom(event.deltaY < 0 ? 1 : -1);
}, {passive: false});
$("overview").addEventListener("click", (event) => {
	const box = $("overview").getBoundingClientRect();
	const at = (event.clientY - box.top) / box.height;
	const row = [...$("rows").children].find((other) => at < other.end);

	if (row)
		row.scrollIntoView({block: "center"});
});
$("in").addEventListener("click", () => zoom(1));
$("out").addEventListener("click", () => zoom(-1));
$("close").addEventListener("click", () => openRow({}));
addEventListener("scroll", drawView, {passive: true});
addEventListener("resize", drawView);

drawHead();
drawTypes();
drawRows();
