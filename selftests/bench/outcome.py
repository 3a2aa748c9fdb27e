# SPDX-License-Identifier: GPL-2.0-only
"""What came of one run."""

SEED = 20240229


class Wrong(Exception):
    """A program did not compute what it computes natively: never a matter of speed."""


class Outcome:
    """score: more is better. why: it cannot be counted, and the score is None."""

    def __init__(self, figures, score=None, digest=None, why=None):
        self.figures = figures
        self.score = score
        self.digest = digest
        self.why = why
