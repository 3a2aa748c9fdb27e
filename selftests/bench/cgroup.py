# SPDX-License-Identifier: GPL-2.0-only
"""A memory cgroup of our own, of either version."""

import contextlib
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

    def oom_kills(self):
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return counters(self._file(name)).get("oom_kill", 0)

    def peak_bytes(self):
        name = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        try:
            return int(read(self._file(name)))
        except FileNotFoundError:  # memory.peak is Linux 5.19's
            return None

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


def _make(version, parent):
    path = os.path.join(parent, "upager-bench.%d" % os.getpid())
    try:
        os.mkdir(path)
    except OSError as error:
        raise Unusable("%s: %s" % (path, error.strerror)) from error
    return Cgroup(version, path)


def _make_v2(where):
    if "memory" not in read(os.path.join(where, "cgroup.controllers")).split():
        raise Unusable("the memory controller is not version 2's here")
    try:
        write(os.path.join(where, "cgroup.subtree_control"), "+memory")
    except OSError as error:
        raise Unusable("%s/cgroup.subtree_control: %s" % (where, error.strerror)) from error
    return _make(2, where)


@contextlib.contextmanager
def made():
    """Version 2 where it has the memory controller, else version 1. Raises Unusable."""
    cgroup, why = None, "no memory cgroup is mounted"
    for kind, options, where in sorted(mounts(), reverse=True):
        try:
            if kind == "cgroup2":
                cgroup = _make_v2(where)
            elif "memory" in options:
                cgroup = _make(1, where)
        except Unusable as error:
            why = str(error)
        if cgroup:
            break
    if not cgroup:
        raise Unusable(why)
    try:
        yield cgroup
    finally:
        cgroup.remove()
