# SPDX-License-Identifier: GPL-2.0-only
"""A memory cgroup of version 1 kills a program whose pages are all on their way out, with swap empty.

Here it is made to wait instead, as one of version 2 has it do by itself, and how often that was is
counted.
"""

import os
import select
import threading

AT_ONCE_S = 0.0005
IDLE_S = 0.05
STEP_BYTES = 65536


class Relief:
    """Begun before a program is started in the cgroup."""

    def __init__(self, group, limit):
        self.group = group
        self.limit = limit
        self.waits = 0
        self._over = threading.Event()
        self._thread = None

    def start(self):
        if self.group.version == 1:
            self.group.oom_kill(False)
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def stop(self):
        """Returns how often it would have been killed."""
        self._over.set()
        if self._thread:
            self._thread.join()
            self.group.oom_kill(True)
            self._thread = None
        return self.waits

    def _work(self):
        event, file = self.group.oom_event()
        try:
            self._watch(event)
        finally:
            os.close(file)
            os.close(event)

    def _watch(self, event):
        poll = select.poll()
        poll.register(event, select.POLLIN)
        waits = raised = False
        while not self._over.is_set():
            if poll.poll((AT_ONCE_S if waits or raised else IDLE_S) * 1000):
                os.read(event, 8)
            waits = self.group.under_oom()
            if waits:
                # Who waits tries again when the limit grows.
                self.waits += 1
                self.group.limit(self.limit + STEP_BYTES)
            if waits or raised:
                raised = not self.group.limit_lowered(self.limit)
