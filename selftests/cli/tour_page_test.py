#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""upager tour --html in a real browser: that all steps are on it, and no text overlaps, at two sizes."""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser  # pylint: disable=wrong-import-position

BUILD = os.path.realpath(os.environ.get("BUILD", "build"))
SIZES = ((1280, 800), (390, 844))
STEPS = ["holes", "grow", "libs", "fork", "demand", "mmu", "pager", "larger"]

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


def check_size(page, path, width, height, scheme):
    size = "%dx%d, %s" % (width, height, scheme)
    page.open(path, width, height, scheme)
    result = page.run(browser.OVERLAPS)
    ok("%s: no text overlaps or is cut off by the edge" % size,
       result["texts"] > 100 and not result["found"] and not result["scrolls"],
       result["texts"], result["scrolls"], *result["found"][:10])
    seen = page.run("""return [...document.querySelectorAll(".parts")].map((strip) =>
        [...strip.children].filter((part) => part.offsetWidth >= 1 && part.offsetHeight >= 9 &&
            getComputedStyle(part).background.includes("rgb")).length)""")
    ok("%s: pictures are seen, part by part" % size, len(seen) >= 5 and min(seen) > 30 and max(seen) == 48, seen)


def check(page, path):
    for scheme, sizes in (("light", SIZES), ("dark", SIZES[:1])):
        for width, height in sizes:
            check_size(page, path, width, height, scheme)
    ok("every step has a section", page.run(
        'return [...document.querySelectorAll("section")].map((s) => s.id)') == STEPS)
    ok("and a link to it", page.run(
        'return [...document.querySelectorAll("nav a")].map((a) => a.hash.slice(1))') == STEPS)
    ok("the longest bar of a table is as long as there is room", page.run("""
        return [...document.querySelectorAll("#fork .bars i")].map((i) =>
            i.offsetWidth / i.parentElement.clientWidth).filter((part) => part > 0.8).length""") == 1)
    ok("nothing was asked for from elsewhere", page.run(
        'return performance.getEntriesByType("resource").length') == 0)
    complaints = page.complaints()
    ok("the browser has nothing to complain about", not complaints, *complaints)


def main():
    reason = browser.why_not()
    if reason:
        print("1..0 # SKIP %s" % reason)
        return 4
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", BUILD)) as directory:
        path = directory + "/tour.html"
        subprocess.run([BUILD + "/upager", "tour", "--size", "64M", "--html", path], check=True)
        with browser.Browser(directory) as page:
            check(page, path)
    print("1..%d" % count)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
