# SPDX-License-Identifier: GPL-2.0-only
"""A program that runs in one of the places."""

import contextlib
import os
import signal
import subprocess
import threading
import time

import pager
import places
import stops

LIMIT_S = 300
NOT_DONE = "not done in time"

limit_s = LIMIT_S


class Process:
    """A program in a place."""

    def __init__(self, place):
        self.place = place
        self.figures = {}
        self.popen = None
        self.begin_s = None
        self.overran = False
        self._within = False
        self._failure = None
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def start(self, argv, **streams):
        with stops.held():
            self.figures = self.place.begin()
            self._within = True
            self.begin_s = time.monotonic()
            self.popen = subprocess.Popen(
                self.place.command(argv), env=self.place.environment, start_new_session=True, **streams
            )
            self._watcher.start()

    def _watch(self):
        while not self._over.wait(self.place.period_s):
            try:
                self.place.look(self.figures, self.popen.pid)
            except pager.Failed as error:
                self._failure = error
                self.kill()
                return
            if time.monotonic() - self.begin_s > limit_s:
                self.overran = True
                self.kill()
                return

    def _leave(self):
        with stops.held():
            within, self._within = self._within, False
            return self.place.end(self.figures) if within else None

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)

    def ended(self):
        """It is still to be waited for."""
        return os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def settle(self):
        self.place.settle(self.figures)

    def look_now(self):
        """While it waits for its input: the last figures."""
        self._over.set()
        self._watcher.join()
        self.place.look(self.figures, self.popen.pid)

    def wait(self):
        """Until it has ended by itself. Returns why it cannot be counted, or None."""
        os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOWAIT)
        self.figures["seconds"] = time.monotonic() - self.begin_s
        # Nobody is to kill it any more when its number may be another's.
        self._over.set()
        self._watcher.join()
        _, status, usage = os.wait4(self.popen.pid, 0)
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        self.figures["user_s"] = usage.ru_utime
        self.figures["system_s"] = usage.ru_stime
        self.figures["major_faults"] = usage.ru_majflt
        why = self._leave()
        if self._failure:
            raise self._failure
        if self.overran:
            return NOT_DONE
        if not why and self.popen.returncode and self.figures.get("oom_waits"):
            # Where it waits in a system call, that fails instead.
            return places.OOM
        if not why and self.popen.returncode:
            return "ended with status %d" % self.popen.returncode
        return why

    def close(self):
        if self.popen:
            self._over.set()
            self._watcher.join()
            if self.popen.returncode is None:
                self.kill()
                self.popen.wait()
            for stream in (self.popen.stdin, self.popen.stdout):
                if stream:
                    stream.close()
        self._leave()


@contextlib.contextmanager
def started(place, argv, **streams):
    process = Process(place)
    try:
        process.start(argv, **streams)
        yield process
    finally:
        process.close()
