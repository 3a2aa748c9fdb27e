# SPDX-License-Identifier: GPL-2.0-only
"""A memory cgroup of our own, of either version."""

import os
import time

MOUNTS = "/proc/self/mountinfo"
EMPTY_S = 10


class Unusable(Exception):
    """Why there is no such cgroup here."""


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def counters(path):
    return {key: int(value) for key, value in (line.split() for line in read(path).splitlines())}


def mounts():
    """(type, options of the file system, where) of all mounted cgroups."""
    with open(MOUNTS, encoding="utf-8") as lines:
        for line in lines:
            left, right = line.rstrip("\n").split(" - ")
            kind, _, options = right.split(" ")[:3]
            if kind in ("cgroup", "cgroup2"):
                yield kind, options.split(","), left.split(" ")[4]


class Cgroup:
    """version 1 or 2; procs is the file that a process writes its number into."""

    def __init__(self, version, path):
        self.version = version
        self.path = path
        self.procs = os.path.join(path, "cgroup.procs")

    def _file(self, name):
        return os.path.join(self.path, name)

    def limit(self, size):
        # Swap itself has no limit: by default there is none in either version.
        write(self._file("memory.max" if self.version == 2 else "memory.limit_in_bytes"), size)

    def limit_lowered(self, size):
        """False where more is in use that cannot leave now."""
        try:
            self.limit(size)
            return True
        except OSError:
            return False

    def oom_kill(self, kills):
        """Version 1: whether who gets no memory is killed, or waits."""
        write(self._file("memory.oom_control"), int(not kills))

    def under_oom(self):
        return counters(self._file("memory.oom_control"))["under_oom"] == 1

    def oom_event(self):
        """Version 1: (eventfd, another descriptor that is to stay open as long)."""
        event = os.eventfd(0, os.EFD_CLOEXEC)
        control = os.open(self._file("memory.oom_control"), os.O_RDONLY | os.O_CLOEXEC)
        write(self._file("cgroup.event_control"), "%d %d" % (event, control))
        return event, control

    def oom_kills(self):
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return counters(self._file(name)).get("oom_kill", 0)

    def peak_bytes(self):
        name = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        return int(read(self._file(name)))

    def remove(self):
        end = time.monotonic() + EMPTY_S
        while True:
            try:
                os.rmdir(self.path)
                return
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)


class Parent:
    """Where cgroups can be made. A new one for each run, so that its counters are the run's."""

    def __init__(self, version, path):
        self.version = version
        self.path = path

    def make(self):
        path = os.path.join(self.path, "upager-bench.%d" % os.getpid())
        try:
            os.mkdir(path)
        except OSError as error:
            raise Unusable("%s: %s" % (path, error.strerror)) from error
        return Cgroup(self.version, path)


def _parent_v2(where):
    try:
        if "memory" not in read(os.path.join(where, "cgroup.controllers")).split():
            raise Unusable("the memory controller is not version 2's here")
        write(os.path.join(where, "cgroup.subtree_control"), "+memory")
    except OSError as error:
        raise Unusable("%s: %s" % (where, error.strerror)) from error
    return Parent(2, where)


def find():
    """Version 2 where it has the memory controller, else version 1. Raises Unusable."""
    why = "no memory cgroup is mounted"
    for kind, options, where in sorted(mounts(), reverse=True):
        if kind != "cgroup2" and "memory" not in options:
            continue
        try:
            parent = _parent_v2(where) if kind == "cgroup2" else Parent(1, where)
            parent.make().remove()
            return parent
        except Unusable as error:
            why = str(error)
    raise Unusable(why)
