# SPDX-License-Identifier: GPL-2.0-only
"""One workload in all places, in turn, and how they compare."""

import os
import sys

import kernel_swap
import outcome
import pager
import places
import processes
import report

MIB = 1 << 20
PAGE_BYTES = 4096
BUDGET_MIN = 4 * MIB  # of upager run
# What upager has besides the budget for what comes back soon, see upagerd(8).
POOL_MIN, POOL_MAX, POOL_SHARE = 2 * MIB, 16 * MIB, 16


def pool_bytes(budget):
    return max(POOL_MIN, min(POOL_MAX, budget // POOL_SHARE))


def say(line):
    print("bench: " + line, file=sys.stderr, flush=True)


def _counted(one, place):
    """Whether a run may stand in the table as one that did not succeed."""
    return one.why in (None, processes.NOT_DONE) or place.name != "upager" and one.why == places.OOM


def _rounds(workload, where, pairs):
    """All outcomes, by place; every second time in the opposite order."""
    outcomes = {name: [] for name, _ in where}
    for number in range(pairs):
        for name, place in where if number % 2 == 0 else reversed(where):
            if any(one.why == processes.NOT_DONE for one in outcomes[name]):
                continue
            os.sync()
            one = workload.run(place)
            outcomes[name].append(one)
            say("%s, %s: %s" % (workload.name, name, one.why or report.shown(one.score, workload.unit)))
            if not _counted(one, place):
                raise outcome.Wrong("%s, %s: %s" % (workload.name, place.name, one.why))
    return outcomes


def _rival(outcomes, limit):
    """What is better of the values of vm.page-cluster, and all of them."""
    sides = {name.split()[1]: report.side(runs_of) for name, runs_of in outcomes.items()}
    lived = [cluster for cluster, side in sides.items() if side["score"] is not None]
    better = max(lived, key=lambda cluster: sides[cluster]["score"]) if lived else None
    return {"limit_bytes": limit, "better": better, "sides": sides}


def _natively(workload, place):
    one = workload.run(place)
    say("%s natively: %s" % (workload.name, one.why or report.shown(one.score, workload.unit)))
    if one.why:
        raise outcome.Wrong("%s natively: %s" % (workload.name, one.why))
    return one


def measure(workload, paged, swap, pairs):
    """Gives a result for each budget. Raises outcome.Wrong."""
    natively = _natively(workload, places.Native())
    anon, outside = natively.figures["anon_bytes"], None
    if swap:
        # The first has brought in what is read from files, so that it is charged to nobody now.
        charged = _natively(workload, places.Charged(swap.parent)).figures
        outside = max(0, charged["charged_bytes"] - charged["anon_bytes"])
    for fraction in workload.fractions:
        budget = anon // fraction // PAGE_BYTES * PAGE_BYTES
        if budget < BUDGET_MIN:
            say("%s, 1/%d: skipped, a budget below %d MiB is refused" % (workload.name, fraction, BUDGET_MIN // MIB))
            continue
        limit = budget + pool_bytes(budget) + outside if swap else None
        where = [("upager 1/%d" % fraction, places.Paged(paged, budget))]
        for cluster in kernel_swap.PAGE_CLUSTERS if swap else ():
            where.append(("swap %d" % cluster, places.Swapped(swap, limit, cluster)))
        outcomes = _rounds(workload, where, pairs)
        ours = report.side(outcomes.pop(where[0][0]))
        rival = _rival(outcomes, limit) if swap else None
        lived = rival and rival["better"] and not ours["failures"]
        yield {
            "workload": workload.name, "unit": workload.unit, "fraction": fraction, "budget_bytes": budget,
            "native": {"score": natively.score, "digest": natively.digest, **natively.figures},
            "outside_bytes": outside, "upager": ours, "kernel_swap": rival,
            "ratio": ours["score"] / rival["sides"][rival["better"]]["score"] if lived else None,
        }
