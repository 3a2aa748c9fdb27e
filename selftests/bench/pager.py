# SPDX-License-Identifier: GPL-2.0-only
"""Ours: a daemon with an area of its own."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import files
import stops

START_S = 30
STOP_S = 60
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """What the daemon did not do."""


class Pager:
    """A running daemon."""

    def __init__(self, build, daemon, socket, log):
        self.upager = os.path.join(build, "upager")
        self.daemon = daemon
        self.log = log
        self.environment = dict(os.environ, UPAGER_SOCKET=socket)

    def command(self, budget, argv):
        return [self.upager, "run", "--budget", str(budget), "--"] + argv

    def status(self):
        """None while it does not answer."""
        done = subprocess.run(
            [self.upager, "status", "--json"],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def cpu_s(self):
        with open("/proc/%d/stat" % self.daemon.pid, encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def check_alive(self):
        if self.daemon.poll() is not None:
            raise Failed("upagerd ended with status %d; %s" % (self.daemon.returncode, self.last_words()))

    def last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-3:]).strip()


def _stop(daemon):
    if daemon.poll() is None:
        daemon.send_signal(signal.SIGTERM)
    try:
        return daemon.wait(STOP_S)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
        return None


@contextlib.contextmanager
def running(build, path, size):
    """A daemon on a new area at path. Raises Failed; so does leaving it if the daemon failed."""
    with contextlib.ExitStack() as stack:
        shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with stops.held():
            home = tempfile.mkdtemp(prefix="upager-bench.%d." % os.getpid(), dir=shm)
            stack.callback(shutil.rmtree, home, ignore_errors=True)
        files.write_zeros(path, size)
        stack.callback(os.unlink, path)
        subprocess.run([os.path.join(build, "upager"), "mkswap", path], check=True, stdout=subprocess.DEVNULL)
        log_path = os.path.join(home, "log")
        log = stack.enter_context(open(log_path, "wb"))
        socket = os.path.join(home, "socket")
        with stops.held():
            daemon = subprocess.Popen(
                # Should the bench be killed, it gives back what it has and ends.
                [
                    "setpriv", "--pdeathsig", "TERM", os.path.join(build, "upagerd"), "--swap", path,
                    "--socket", socket, "--state", os.path.join(home, "state"),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
            stack.callback(_stop, daemon)
        pager = Pager(build, daemon, socket, log_path)
        end = time.monotonic() + START_S
        while not pager.status():
            pager.check_alive()
            if time.monotonic() > end:
                raise Failed("upagerd does not answer; " + pager.last_words())
            time.sleep(0.05)
        yield pager
        pager.check_alive()
        if _stop(daemon) != 0:
            raise Failed("upagerd ended with status %s; %s" % (daemon.returncode, pager.last_words()))
