# SPDX-License-Identifier: GPL-2.0-only
"""Signals that end the bench: as an exception, so that everything is cleaned up, and only where nothing is
half begun."""

import contextlib
import signal
import sys

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_depth = 0
_pending = None


def _stop(number, _):
    global _pending
    if _depth:
        _pending = number
        return
    # Cleaning up is not to be stopped.
    for other in NUMBERS:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def catch():
    for number in NUMBERS:
        signal.signal(number, _stop)


@contextlib.contextmanager
def held():
    """What is within is done as a whole; for what takes no time."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _pending and not _depth:
            _stop(_pending, None)
