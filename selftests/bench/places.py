# SPDX-License-Identifier: GPL-2.0-only
"""Where programs run: natively, under upager, with kernel swap; and what is seen of them there."""

import time

import pager
import relief

SETTLE_S = 60
OOM = "ended for want of memory (OOM)"
OVER = 1.1
COUNTERS = (
    "faults", "swap_ins", "evictions", "rescues", "refaults", "zero_fills", "readahead_pages", "readahead_hits",
    "checksum_failures", "resident_bytes", "standby_bytes",
)


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

    name = None
    environment = None
    period_s = 0.25

    def command(self, argv):
        return argv

    def begin(self):
        """Before a program is started. Returns the figures that look() goes on with."""
        return {}

    def look(self, figures, pid):
        """Again and again while it runs."""

    def settle(self, figures):
        """What it has is to be where it belongs before it is measured."""

    def end(self, figures):
        """After it has ended. Returns why it cannot be counted, or None."""


class Native(Place):
    name = "natively"
    period_s = 0.005  # it may not take long

    def look(self, figures, pid):
        figures["anon_bytes"] = max(figures.get("anon_bytes", 0), proc_bytes(pid).get("RssAnon", 0))


class Limited(Place):
    """In a memory cgroup, with a limit or without: of what is charged to it the most is told."""

    def __init__(self, parent, limit=None):
        self.parent = parent
        self.limit = limit
        self.group = None
        self.relief = None

    def command(self, argv):
        return ["/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', self.group.procs] + argv

    def begin(self):
        self.group = self.parent.make()
        self.relief = relief.Relief(self.group, self.limit)
        if self.limit:
            self.group.limit(self.limit)
            self.relief.start()
        return {}

    def end(self, figures):
        figures["oom_waits"] = self.relief.stop()
        figures["oom_kills"] = self.group.oom_kills()
        figures["charged_bytes"] = self.group.peak_bytes()
        self.group.remove()
        return OOM if figures["oom_kills"] else None


class Charged(Limited, Native):
    """What a cgroup charges, of which anonymous memory is a part."""


class Swapped(Limited):
    name = "kernel swap"

    def __init__(self, swap, limit, page_cluster):
        super().__init__(swap.parent, limit)
        self.swap = swap
        self.page_cluster = page_cluster

    def begin(self):
        self.swap.page_cluster(self.page_cluster)
        return super().begin()


class Paged(Place):
    name = "upager"

    def __init__(self, daemon, budget):
        self.pager = daemon
        self.budget = budget
        self.environment = daemon.environment

    def command(self, argv):
        return self.pager.command(self.budget, argv)

    def begin(self):
        self.pager.check_alive()
        return {"cpu_s_before": self.pager.cpu_s()}

    def _over(self, processes):
        return sum(proc_bytes(one["pid"]).get("RssAnon", 0) for one in processes) > self.budget * OVER

    def look(self, figures, pid):
        self.pager.check_alive()
        status = self.pager.status()
        processes = status["processes"] if status else []
        if not processes:
            return
        for key in COUNTERS:
            figures[key] = max(figures.get(key, 0), sum(one[key] for one in processes))
        figures["looks"] = figures.get("looks", 0) + 1
        figures["looks_over"] = figures.get("looks_over", 0) + self._over(processes)
        # Both of the same moment, so that one can be divided by the other.
        figures["daemon_cpu_s"] = self.pager.cpu_s() - figures["cpu_s_before"]

    def settle(self, figures):
        """A program may grow beyond its budget before it is taken over."""
        begin = time.monotonic()
        while True:
            status = self.pager.status()
            if status and status["processes"] and not self._over(status["processes"]):
                break
            if time.monotonic() - begin > SETTLE_S:
                raise pager.Failed("it is over its budget after %d s" % SETTLE_S)
            time.sleep(0.02)
        figures["settled_s"] = time.monotonic() - begin

    def end(self, figures):
        figures.pop("cpu_s_before")
