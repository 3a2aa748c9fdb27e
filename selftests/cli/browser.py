# SPDX-License-Identifier: GPL-2.0-only
"""Chromium, driven by WebDriver: as much of it as the tests of pages need."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "ArrowUp": "\ue013",
    "ArrowDown": "\ue015",
    "ArrowRight": "\ue014",
    "End": "\ue010",
    "Home": "\ue011",
}

# Texts that are seen, each as the rectangles that are not cut off, and pairs that overlap.
OVERLAPS = """
const texts = [];
const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
	const node = walker.currentNode, parent = node.parentElement;
	if (!node.data.trim() || parent.closest("script, style, noscript, #tip, title, defs"))
		continue;
	const style = getComputedStyle(parent);
	if (style.visibility === "hidden" || !parent.getClientRects().length)
		continue;
	const range = document.createRange();
	range.selectNodeContents(node);
	for (const box of range.getClientRects()) {
		const seen = {left: box.left, right: box.right, top: box.top, bottom: box.bottom,
			text: node.data.trim(), node};
		for (let up = parent; up && up !== document.body; up = up.parentElement)
			if (getComputedStyle(up).overflowX !== "visible") {
				const clip = up.getBoundingClientRect();
				seen.left = Math.max(seen.left, clip.left);
				seen.right = Math.min(seen.right, clip.right);
			}
		if (seen.right - seen.left > 1)
			texts.push(seen);
	}
}
const found = [];
texts.sort((a, b) => a.top - b.top);
for (let i = 0; i < texts.length; i++)
	for (let k = i + 1; k < texts.length && texts[k].top < texts[i].bottom - 3; k++)
		/* What is shortened by the browser has two rectangles. */
		if (texts[k].node !== texts[i].node && texts[k].left < texts[i].right - 1 &&
			texts[i].left < texts[k].right - 1)
			found.push(texts[i].text + " | " + texts[k].text);
const width = document.documentElement.clientWidth || innerWidth;
for (const t of texts)
	if (t.left < -1 || t.right > width + 1)
		found.push("beyond the edge: " + t.text);
return {texts: texts.length, found, scrolls: document.documentElement.scrollWidth > innerWidth};
"""


def why_not():
    """None if there is a browser."""
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            return "%s is not installed: run scripts/setup" % program
    return None


class Browser:
    """With `with`: it has ended afterwards, whatever happens."""

    def __init__(self, directory):
        self.directory = directory
        self.session = None

    def __enter__(self):
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env=dict(os.environ, HOME=self.directory, TMPDIR=self.directory),
        )
        for line in self.driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                break
        else:
            raise OSError("chromedriver does not start")
        self.base = "http://127.0.0.1:%s/session" % found.group(1)
        options = {"args": ARGS + ["--user-data-dir=%s/profile" % self.directory]}
        options["binary"] = shutil.which("chromium")
        try:
            answer = self.ask("", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        except BaseException:
            self.__exit__()
            raise
        self.session = answer["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self.ask("/" + self.session, method="DELETE")
        except OSError:
            pass
        os.killpg(self.driver.pid, signal.SIGKILL)
        self.driver.wait()
        self.driver.stdout.close()

    def ask(self, path, body=None, method=None):
        request = urllib.request.Request(
            self.base + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method or ("GET" if body is None else "POST"),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise OSError(json.load(error)["value"]["message"]) from error

    def call(self, path, body=None, method=None):
        return self.ask("/%s/%s" % (self.session, path), body, method)

    def open(self, path, width, height, scheme="light"):
        """A file, in a window of a size, for who likes it light or dark."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("url", {"url": "file://" + path})

    def devtools(self, command, **parameters):
        return self.call("goog/cdp/execute", {"cmd": command, "params": parameters})

    def run(self, script, *args):
        return self.call("execute/sync", {"script": script, "args": list(args)})

    def find(self, selector):
        return self.call("element", {"using": "css selector", "value": selector})

    def click(self, selector):
        self.call("element/%s/click" % self.find(selector)[ELEMENT], {})

    def point(self, x, y):
        """The pointer, in pixels of the window."""
        self.call("actions", {"actions": [{
            "type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
            "actions": [{"type": "pointerMove", "x": int(x), "y": int(y), "duration": 0}]}]})

    def press(self, *keys):
        actions = []
        for key in keys:
            for kind in ("keyDown", "keyUp"):
                actions.append({"type": kind, "value": KEYS.get(key, key)})
        self.call("actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def complaints(self):
        return [e["message"] for e in self.call("se/log", {"type": "browser"})
                if e["level"] == "SEVERE"]
