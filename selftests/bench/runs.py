# SPDX-License-Identifier: GPL-2.0-only
"""One run of a program in one of three places: without anything, under upager, with kernel swap."""

import os
import signal
import subprocess
import threading
import time

PERIOD_S = 0.05
LIMIT_S = 1800
STATUS_EVERY = 5  # periods
# What of a process the pager leaves alone, and a memory cgroup counts.
OUTSIDE = ("RssFile", "RssShmem", "VmPTE", "VmStk")


def proc_bytes(pid):
    """{key: bytes} of /proc/PID/status; empty when it is gone."""
    found = {}
    try:
        with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, value = line.split(":", 1)
                if value.endswith("kB\n"):
                    found[key] = int(value.split()[0]) << 10
    except OSError:
        pass
    return found


class Place:
    """Where programs run. What it sees of them meanwhile is in figures."""

    name = "native"
    environment = None

    def command(self, argv):
        return argv

    def begin(self):
        """Before a program is started. Returns the figures that look() goes on with."""
        return {}

    def look(self, figures, pid, number):
        """Again and again while it runs; number counts them."""

    def end(self, figures):
        """After it has ended. Returns why it cannot be counted, or None."""


class Native(Place):
    def look(self, figures, pid, number):
        found = proc_bytes(pid)
        figures["anon_bytes"] = max(figures.get("anon_bytes", 0), found.get("RssAnon", 0))
        outside = sum(found.get(key, 0) for key in OUTSIDE)
        figures["outside_bytes"] = max(figures.get("outside_bytes", 0), outside)


class Paged(Place):
    name = "upager"

    def __init__(self, pager, budget):
        self.pager = pager
        self.budget = budget
        self.environment = pager.environment

    def command(self, argv):
        return self.pager.command(self.budget, argv)

    def begin(self):
        return {"cpu_s_before": self.pager.cpu_s()}

    def look(self, figures, pid, number):
        if number % STATUS_EVERY:
            return
        status = self.pager.status()
        processes = status["processes"] if status else []
        if not processes:
            return
        for key in ("faults", "swap_ins", "evictions", "rescues", "refaults", "zero_fills", "checksum_failures"):
            figures[key] = max(figures.get(key, 0), sum(one[key] for one in processes))
        resident = sum(one["resident_bytes"] for one in processes)
        figures["resident_bytes"] = max(figures.get("resident_bytes", 0), resident)
        # Both of the same moment, so that one can be divided by the other.
        figures["daemon_cpu_s"] = self.pager.cpu_s() - figures["cpu_s_before"]

    def end(self, figures):
        self.pager.check_alive()
        figures.pop("cpu_s_before")
        if figures.get("faults"):
            figures["daemon_us_per_fault"] = figures["daemon_cpu_s"] * 1e6 / figures["faults"]
        return None


class Swapped(Place):
    name = "kernel swap"

    def __init__(self, swap, limit, page_cluster):
        self.swap = swap
        self.limit = limit
        self.page_cluster = page_cluster

    def command(self, argv):
        return self.swap.command(argv)

    def begin(self):
        self.swap.page_cluster(self.page_cluster)
        self.swap.group.limit(self.limit)
        return {"oom_kills": self.swap.group.oom_kills()}

    def end(self, figures):
        figures["oom_kills"] = self.swap.group.oom_kills() - figures["oom_kills"]
        return "killed for want of memory (OOM)" if figures["oom_kills"] else None


class Program:
    """A program that was started in a place; close() ends it where it still runs."""

    def __init__(self, place, argv, **streams):
        self.place = place
        self.figures = place.begin()
        self.begin_s = time.monotonic()
        self.popen = subprocess.Popen(
            place.command(argv), env=place.environment, start_new_session=True, **streams
        )
        self.overran = False
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self):
        number = 0
        while not self._over.wait(PERIOD_S):
            self.place.look(self.figures, self.popen.pid, number)
            number += 1
            if time.monotonic() - self.begin_s > LIMIT_S:
                self.overran = True
                self._kill(signal.SIGKILL)
                return

    def _kill(self, number):
        try:
            os.killpg(self.popen.pid, number)
        except ProcessLookupError:
            pass

    def look_now(self):
        """While it waits for its input: the last figures."""
        self._over.set()
        self._watcher.join()
        self.place.look(self.figures, self.popen.pid, 0)

    def wait(self):
        """Until it has ended by itself. Returns why it cannot be counted, or None."""
        _, status, usage = os.wait4(self.popen.pid, 0)
        self.figures["seconds"] = time.monotonic() - self.begin_s
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        self._over.set()
        self._watcher.join()
        self.figures["user_s"] = usage.ru_utime
        self.figures["system_s"] = usage.ru_stime
        self.figures["major_faults"] = usage.ru_majflt
        why = self.place.end(self.figures)
        if self.overran:
            return "not done after %d s" % LIMIT_S
        if not why and self.popen.returncode:
            return "ended with status %d" % self.popen.returncode
        return why

    def close(self):
        self._over.set()
        self._watcher.join()
        if self.popen.returncode is None:
            self._kill(signal.SIGTERM)
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                self._kill(signal.SIGKILL)
                self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream:
                stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
