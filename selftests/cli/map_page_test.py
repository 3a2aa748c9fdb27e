#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 300
"""upager map --html and --svg in a real browser: that they draw, tell, zoom, and overlap nowhere."""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser  # pylint: disable=wrong-import-position

BUILD = os.path.realpath(os.environ.get("BUILD", "build"))
UPAGER = BUILD + "/upager"
SIZES = ((1280, 800), (390, 844))
LEVELS = ("compact", "normal", "large", "by mapping")

PIECES = 300 if os.environ.get("UPAGER_TEST_QUICK") else 2000
# Pieces of an anonymous mapping with a hole behind each.
MANY = """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
pieces = int(sys.argv[1])
start = libc.mmap(None, pieces << 18, 3, 0x4022, -1, 0)
for n in range(pieces):
    at, size = start + (n << 18), 1 + n % 17 << 12
    ctypes.c_char.from_address(at).value = b"x"
    if libc.munmap(ctypes.c_void_p(at + size), ctypes.c_size_t((1 << 18) - size)):
        sys.exit("munmap fails")
print("made", flush=True)
sys.stdin.read()
"""

count = 0
failed = 0


def ok(what, truth, *told):
    global count, failed
    count += 1
    print("%s %d - %s" % ("ok" if truth else "not ok", count, what))
    if not truth:
        failed += 1
        for line in told:
            print("# %s" % (line,))


def no_overlap(page, what):
    result = page.run(browser.OVERLAPS)
    ok("%s: no text overlaps or is cut off by the edge" % what,
       result["texts"] > 20 and not result["found"] and not result["scrolls"],
       result["texts"], result["scrolls"], *result["found"][:10])


def row_of(page, address):
    """Where the strip of the row that begins at an address is, on the screen."""
    return page.run("""
        const row = [...document.querySelectorAll(".row")].find((r) =>
            r.querySelector(".address").textContent === arguments[0]);
        row.scrollIntoView({block: "center"});
        const box = row.querySelector(".strip").getBoundingClientRect();
        return {x: box.left, y: box.top, width: box.width, height: box.height};
    """, address)


def tip(page):
    return page.run("""const tip = document.getElementById("tip");
        return tip.hidden ? "" : tip.innerText;""")


def check_size(page, path, width, height, made):
    size = "%dx%d" % (width, height)
    page.open(path, width, height)
    ok("%s: it draws every piece" % size, page.run(
        'return document.querySelectorAll(".row").length') > 20)
    no_overlap(page, size)
    heights = []
    for n, level in enumerate(LEVELS):
        page.run('while (document.getElementById("level").textContent !== arguments[0])'
                 ' document.getElementById(arguments[1]).click();', level, "in" if n else "out")
        heights.append(page.run('return document.getElementById("rows").offsetHeight'))
        no_overlap(page, "%s, %s" % (size, level))
    ok("%s: zoomed in it is taller, step by step" % size,
       heights[0] < heights[1] < heights[2] < heights[3], heights)
    page.open(path, width, height, "dark")
    ok("%s: it is dark for who likes it so" % size, page.run(
        "return getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)")
    page.open(path, width, height)
    box = row_of(page, made["forked"])
    page.point(box["x"] + box["width"] * 0.95, box["y"] + box["height"] / 2)
    said = tip(page)
    ok("%s: hover tells the numbers of the region" % size,
       "1.0M reserved" in said and "its own\t224.0K" in said and "a fork\t800.0K" in said, said)
    ok("%s: and of the pages under it" % size, "2 pages" in said and "8.0K" in said, said)
    inside = page.run("""const box = document.getElementById("tip").getBoundingClientRect();
        return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight""")
    ok("%s: within the window" % size, inside)


def check_keys(page, path, made):
    page.open(path, 1280, 800)
    page.run('document.querySelector(".row").focus()')
    page.press("ArrowDown", "ArrowDown")
    ok("arrow keys walk the rows", page.run(
        'return [...document.querySelectorAll(".row")].indexOf(document.activeElement)') == 2)
    ok("and tell the same as hover", "free" in tip(page), tip(page))
    for _ in range(60):
        if page.run('return document.activeElement.querySelector(".address").textContent') == \
                made["forked"]:
            break
        page.press("ArrowDown")
    page.press("Enter")
    ok("Enter opens a region, page by page", page.run(
        'return document.querySelectorAll("#detail:not([hidden]) .cell").length') == 128)
    facts = page.run('return document.getElementById("detail").innerText')
    ok("with its facts", "1.0M in 1 mapping" in facts and "rw-p" in facts and "800.0K" in facts, facts)
    page.run('document.querySelector(".cell").focus()')
    page.press("ArrowRight")
    ok("arrow keys walk the cells", "2 pages" in page.run(
        'return document.activeElement.getAttribute("aria-label")'))
    page.press("Escape")
    ok("Escape closes it", page.run('return document.getElementById("detail").hidden'))
    page.press("+")
    ok("+ zooms", page.run('return document.getElementById("level").textContent') == "large")
    page.press("0")
    ok("0 goes back", page.run('return document.getElementById("level").textContent') == "normal")
    page.run('document.body.focus(); document.activeElement.blur(); scrollTo(0, 0)')
    page.press("Tab")
    ok("Tab comes to the types", page.run(
        'return document.activeElement.getAttribute("aria-label")') == "show program text only")


def check_types(page, path):
    page.open(path, 1280, 800)
    before = page.run('return document.querySelectorAll(".row").length')
    page.click('tr[aria-label="show heap only"]')
    ok("a type shows what is of it only", page.run(
        'return [...document.querySelectorAll(".row .title")].map((t) => t.textContent)') == ["[heap]"])
    ok("and says that it does", page.run(
        'return document.querySelector("tr[aria-pressed=true]").innerText').startswith("heap"))
    page.click("#all")
    ok("and all again", page.run('return document.querySelectorAll(".row").length') == before)


def made_many():
    """A process with thousands of mappings that lie apart, and its number."""
    program = subprocess.Popen([sys.executable, "-c", MANY, str(PIECES)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    program.stdout.readline()
    return program


def check_many(page, directory):
    """A process with thousands of mappings is drawn as others are."""
    program = made_many()
    html, svg = directory + "/many.html", directory + "/many.svg"
    try:
        subprocess.run([UPAGER, "map", "--html", html, "--svg", svg, str(program.pid)], check=True)
    finally:
        program.stdin.close()
        program.wait()
        program.stdout.close()
    for width, height in SIZES[:1] if os.environ.get("UPAGER_TEST_QUICK") else SIZES:
        size = "thousands of mappings, %dx%d" % (width, height)
        page.open(html, width, height)
        ok("%s: all are there" % size, page.run("return map.regions.length") >= PIECES and page.run(
            'return document.querySelectorAll(".row").length') >= 2 * PIECES)
        no_overlap(page, size)
        page.click("#in")
        ok("%s: zoomed in, the last can be pointed at" % size, page.run("""
            const rows = document.querySelectorAll(".row .strip");
            const strip = rows[rows.length - 1];
            strip.scrollIntoView({block: "center"});
            const box = strip.getBoundingClientRect();
            return box.width > 100 && box.top > 0 && box.bottom < innerHeight;"""))
    page.open(svg, 1280, 800)
    no_overlap(page, "thousands of mappings, the drawing")


def check_names(page, saved, directory):
    """Names are others': they are text, whatever they hold."""
    with open(saved, encoding="utf-8") as file:
        data = json.load(file)
    data["comm"] = "<b>&@DATA@"
    data["objects"][0]["path"] = "/x/</script><script>window.bad = 1</script><!--<script>"
    data["regions"][-1]["name"] = "<img src=x onerror='window.bad = 2'>"
    with open(directory + "/bad", "w", encoding="utf-8") as file:
        json.dump(data, file)
    subprocess.run([UPAGER, "map", "--html", directory + "/bad.html", "--svg", directory + "/bad.svg",
                    directory + "/bad"], check=True)
    page.open(directory + "/bad.html", 1280, 800)
    ok("names with markup are text", page.run("return window.bad") is None and page.run(
        'return document.getElementById("name").textContent').startswith("<b>&@DATA@ ("))
    ok("in the title too", page.run("return document.title").startswith("<b>&@DATA@ ("))
    page.open(directory + "/bad.svg", 1280, 800)
    ok("in the drawing too", page.run(
        'return [...document.querySelectorAll("text")].some((t) => t.textContent.startsWith("<b>"))'))


def check(page, directory, made):
    html = directory + "/map.html"
    for width, height in SIZES:
        check_size(page, html, width, height, made)
    check_keys(page, html, made)
    check_types(page, html)
    ok("nothing was asked for from elsewhere", page.run(
        'return performance.getEntriesByType("resource").length') == 0)
    for width, height in SIZES:
        page.open(directory + "/map.svg", width, height)
        no_overlap(page, "the drawing, %dx%d" % (width, height))
    check_many(page, directory)
    check_names(page, directory + "/map", directory)
    complaints = page.complaints()
    ok("the browser has nothing to complain about", not complaints, *complaints)


def main():
    reason = browser.why_not()
    if reason:
        print("1..0 # SKIP %s" % reason)
        return 4
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", BUILD)) as directory:
        target = subprocess.Popen([BUILD + "/selftests/targets/map_made", directory + "/file"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            made = {}
            for line in target.stdout:
                if line.startswith("ready"):
                    break
                name, address, _ = line.split()
                made[name] = address[2:]
            subprocess.run([UPAGER, "map", "--html", directory + "/map.html", "--svg",
                            directory + "/map.svg", "--save", directory + "/map", str(target.pid)],
                           check=True)
        finally:
            target.stdin.close()
            target.wait()
        with browser.Browser(directory) as page:
            check(page, directory, made)
    print("1..%d" % count)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
